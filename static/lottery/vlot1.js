/* VLOT-1: replays a lottery from its record with Web Crypto. No network, no library.
 *
 * VLOT1.check(record, published) rejects with a VLOT1.Difference that has a code and values for its message.
 * VLOT1.trace(record, unit) tells step by step how the arm of one unit was drawn.
 */
"use strict";

const VLOT1 = (() => {
  class Difference extends Error {
    constructor(code, values = {}) {
      super(code);
      this.code = code;
      this.values = values;
    }
  }

  const text = new TextEncoder();
  const hexOf = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const sha256 = async (bytes) => hexOf(await crypto.subtle.digest("SHA-256", bytes));
  const linesOf = (rows) => text.encode(rows.map((row) => row.join("\t") + "\n").join(""));

  function bytesOf(hex) {
    if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Difference("form", { part: "hex" });
    return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  }

  function require(fact, code, values) {
    if (!fact) throw new Difference(code, values);
  }

  const keyOf = (bytes) =>
    crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const hmac = async (key, message) => new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(message)));
  const blockOf = (key, domain, number) => hmac(key, `VLOT-1|${domain}|${number}`);

  /* The words of one domain, read ahead some blocks at a time. */
  class Stream {
    constructor(key, domain, ahead = 1) {
      Object.assign(this, { key, domain, ahead, next: 0, words: [], log: [] });
    }

    async word() {
      if (!this.words.length) {
        const numbers = Array.from({ length: this.ahead }, (_, place) => this.next + place);
        this.next += this.ahead;
        const blocks = await Promise.all(numbers.map((number) => blockOf(this.key, this.domain, number)));
        for (const block of blocks) {
          const view = new DataView(block.buffer);
          for (const place of [0, 8, 16, 24]) this.words.push(view.getBigUint64(place));
        }
      }
      return this.words.shift();
    }

    async below(n) {
      const limit = (1n << 64n) - ((1n << 64n) % BigInt(n));
      let word = await this.word();
      while (word >= limit) word = await this.word();
      const number = Number(word % BigInt(n));
      this.log.push({ word: word.toString(16).padStart(16, "0"), n, number });
      return number;
    }
  }

  async function shuffle(key, domain, items, log) {
    const shuffled = [...items];
    const stream = new Stream(key, domain, Math.min(64, Math.ceil(shuffled.length / 4)));
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = await stream.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
      log?.push({ ...stream.log.at(-1), swap: [last + 1, other + 1] });
    }
    return shuffled;
  }

  const repeat = (list, times) => Array.from({ length: times }, () => list).flat();

  async function heads(stream, chance) {
    const [top, bottom = "1"] = chance.split("/");
    return (await stream.below(Number(bottom))) < Number(top);
  }

  /* The arms of the first n places of a stratum; `log` collects what was drawn. */
  async function sequence(params, key, stratum, n, at = "", log = []) {
    const template = params.arms.flatMap((arm, place) => repeat([arm], params.ratio[place]));
    if (params.method === "complete") {
      const rest = (await shuffle(key, `${at}rest|${stratum}`, template)).slice(0, n % template.length);
      const all = [...repeat(template, Math.floor(n / template.length)), ...rest];
      const steps = [];
      const arms = await shuffle(key, `${at}arms|${stratum}`, all, steps);
      log.push({ from: 1, before: all, arms, steps });
      return arms;
    }
    if (params.method === "blocks") return blocks(params, key, stratum, n, at, log, template);
    const stream = new Stream(key, `${params.method}|${stratum}`);
    const arms = [];
    for (let lead = 0; arms.length < n; ) {
      let arm;
      if (params.method === "simple" || lead === 0) arm = await stream.below(template.length);
      else {
        const keep = Math.abs(lead) === params.limit || (await heads(stream, params.probability));
        arm = lead > 0 === keep ? 1 : 0;
      }
      lead += 1 - 2 * arm;
      arms.push(template[arm]);
    }
    log.push({ from: 1, arms, steps: stream.log });
    return arms;
  }

  async function blocks(params, key, stratum, n, at, log, template) {
    const arms = [];
    const sizes = params.multipliers;
    for (let number = 0; arms.length < n; number++) {
      const choice = sizes.length > 1 ? await new Stream(key, `${at}size|${stratum}|${number}`).below(sizes.length) : 0;
      const before = repeat(template, sizes[choice]);
      const steps = [];
      const block = await shuffle(key, `${at}block|${stratum}|${number}`, before, steps);
      log.push({ from: arms.length + 1, before, arms: block, steps });
      arms.push(...block);
    }
    return arms.slice(0, n);
  }

  async function minimised(params, counts, levels, keyBytes) {
    const every = params.arms.map((_, arm) => arm);
    const coin = new Stream(await keyOf(keyBytes), "coin");
    const rows = levels.map((level, place) => {
      const name = JSON.stringify([place, level]);
      if (!counts.has(name)) counts.set(name, every.map(() => 0));
      return counts.get(name);
    });
    const scores = every.map((newcomer) =>
      params.factors.reduce((score, factor, place) => {
        const has = rows[place].map((units, arm) => units + (arm === newcomer ? 1 : 0));
        const sum = has.reduce((total, units) => total + units, 0);
        const squares = has.length * has.reduce((total, units) => total + units * units, 0) - sum * sum;
        return score + factor.weight * (params.distance === "variance" ? squares : Math.max(...has) - Math.min(...has));
      }, 0),
    );
    const best = every.filter((arm) => scores[arm] === Math.min(...scores));
    const kept = best.length === every.length || (await heads(coin, params.probability));
    const group = kept ? best : every.filter((arm) => !best.includes(arm));
    const drawn = group[await coin.below(group.length)];
    for (const row of rows) row[drawn] += 1;
    return [scores, kept, params.arms[drawn]];
  }

  function strataOf(record) {
    const strata = new Map();
    for (const row of record.units) {
      if (!strata.has(row[1])) strata.set(row[1], []);
      strata.get(row[1]).push(row);
    }
    return new Map([...strata].sort((one, two) => (comesBefore(one[0], two[0]) ? -1 : 1)));
  }

  async function drawStratum(params, key, stratum, rows, at, log) {
    const order = await shuffle(key, `${at}order|${stratum}`, rows);
    if (params.method !== "minimisation") {
      const arms = await sequence(params, key, stratum, rows.length, at);
      return order.map((row, place) => [row[0], arms[place]]);
    }
    const counts = new Map();
    const drawn = [];
    for (const [place, row] of order.entries()) {
      const step = await minimised(params, counts, row.slice(2), await blockOf(key, `slot|${stratum}`, place));
      log.push([row[0], ...step]);
      drawn.push([row[0], step[2]]);
    }
    return drawn;
  }

  async function replay(record, key) {
    const { params } = record;
    const strata = strataOf(record);
    for (let attempt = 0; attempt < (params.balance?.tries ?? 1); attempt++) {
      const log = [];
      const arms = new Map();
      for (const [stratum, rows] of strata) {
        const drawn = await drawStratum(params, key, stratum, rows, params.balance ? `${attempt}|` : "", log);
        for (const [unit, arm] of drawn) arms.set(unit, arm);
      }
      if (!params.balance) return { arms, log };
      if (Balance.accepts(params.balance, record.units, arms)) return { arms, log, attempt };
    }
    throw new Difference("attempt");
  }

  async function slots(record, key) {
    const { params } = record;
    const arms = new Map();
    const taken = new Map();
    const drawn = new Map();
    for (const [stratum, places] of key ? record.strata : []) {
      drawn.set(stratum, await sequence(params, key, stratum, places));
    }
    for (const [stratum, place, unit, arm, secret] of record.revealed) {
      taken.set(stratum, (taken.get(stratum) ?? 0) + 1);
      const seal = await sha256(text.encode(`VLOT-1|slot|${stratum}|${place}|${arm}|${secret}`));
      const right = key ? drawn.get(stratum)?.[place - 1] : arm;
      const opens = seal === record.slots[stratum]?.[place - 1] && arm === right;
      const inTurn = place === taken.get(stratum) && !arms.has(unit);
      require(opens && inTurn, "revealed", { unit, place, stratum, arm });
      arms.set(unit, right);
    }
    return { arms, log: [] };
  }

  /* Strings in the order of their UTF-8 bytes, which is that of their code points. */
  function comesBefore(one, two) {
    const [a, b] = [Array.from(one), Array.from(two)];
    for (let place = 0; place < Math.min(a.length, b.length); place++) {
      if (a[place] !== b[place]) return a[place].codePointAt(0) < b[place].codePointAt(0);
    }
    return a.length < b.length;
  }

  /* The one spelling of the parameters: keys sorted, no spaces, ASCII. */
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value !== null && typeof value === "object") {
      const keys = Object.keys(value).sort();
      return `{${keys.map((key) => `${canonical(key)}:${canonical(value[key])}`).join(",")}}`;
    }
    const escaped = (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0");
    return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escaped);
  }

  async function checkList(record, published) {
    const { params } = record;
    const rows = record.units ?? record.strata;
    require(record.version === "VLOT-1" && params.version === "VLOT-1", "version");
    require((await sha256(text.encode(canonical(params)))) === record.params_hash, "params");
    for (const name of rows.flat().map(String)) {
      require(name === name.normalize("NFC") && !/[\t\n\r]/.test(name), "name", { name });
    }
    rows.slice(1).forEach((row, place) => require(comesBefore(rows[place][0], row[0]), "order", { name: row[0] }));
    for (const [place, row] of record.units && record.result ? rows.entries() : []) {
      const drawn = record.result[place] ?? ["", ""];
      const same = row[0] === drawn[0] && row[1] === drawn[1];
      require(same, "row", { unit: row[0], stratum: row[1], other: drawn[0], where: drawn[1] });
    }
    require((await sha256(linesOf(rows))) === record.list_hash, "list");
    if (published) checkGoesOn(record, published);
  }

  /* What was published before stands in the record as it was; only places that were given out one by one grow. */
  function checkGoesOn(record, published) {
    for (const part of new Set(["params_hash", "list_hash", "commitment", "event", ...Object.keys(published)])) {
      const now = part === "revealed" ? record[part]?.slice(0, published[part].length) : record[part];
      require(alike(now, published[part]), "published", { part });
    }
  }

  const alike = (one, two) => [one, two].includes(undefined) ? one === two : canonical(one) === canonical(two);

  /* What a later stage gives cannot stand in a record without that stage: then something was taken out of it. */
  function requireNoneOf(parts, record, missing) {
    for (const part of parts) require(record[part] === undefined, "early", { part, missing });
  }

  async function seedOf(record) {
    const secret = bytesOf(record.secret);
    const commitment = await sha256(new Uint8Array([...text.encode("VLOT-1|commit|"), ...secret]));
    require(commitment === record.commitment, "secret");
    const message = `VLOT-1|seed|${record.params_hash}|${record.list_hash}|${record.beacon}`;
    const seed = await hmac(await keyOf(secret), message);
    require(hexOf(seed) === record.seed, "seed");
    return keyOf(seed);
  }

  async function checkResult(record, drawn) {
    for (const [place, [unit, , arm]] of record.result.entries()) {
      const right = drawn.arms.get(unit) ?? "?";
      require(arm === right, "arm", { line: place + 1, unit, right, arm });
    }
    require(record.result.length === drawn.arms.size, "size");
    require((await sha256(linesOf(record.result))) === record.result_hash, "result_hash");
    require((record.attempt ?? null) === (drawn.attempt ?? null), "attempt");
    require(JSON.stringify(record.log ?? []) === JSON.stringify(drawn.log), "log");
  }

  /* Gives the stage of a true record: published, sealed or drawn. */
  async function check(record, published = null) {
    await checkList(record, published);
    if (record.beacon === undefined) {
      requireNoneOf(["secret", "seed", "revealed", "result", "result_hash"], record, "beacon");
      return "published";
    }
    require(/^(0|[1-9][0-9]*):[0-9a-f]{64}$/.test(record.beacon), "beacon");
    require([undefined, record.beacon.split(":")[0]].includes(record.event), "event");
    if (record.secret === undefined && !record.units) {
      requireNoneOf(["seed", "result", "result_hash"], record, "secret");
      await slots(record, null);
      return "sealed";
    }
    const key = await seedOf(record);
    await checkResult(record, record.units ? await replay(record, key) : await slots(record, key));
    return "drawn";
  }

  /* How one unit of a batch got its arm: its place after the shuffle, and how the arms were ordered. */
  async function trace(record, unit) {
    const { params } = record;
    const row = record.units?.find((row) => row[0] === unit);
    if (!row || record.secret === undefined) return null;
    const key = await seedOf(record);
    const at = params.balance ? `${record.attempt}|` : "";
    const rows = strataOf(record).get(row[1]);
    const steps = [];
    const order = (await shuffle(key, `${at}order|${row[1]}`, rows, steps)).map((other) => other[0]);
    const place = order.indexOf(unit) + 1;
    const found = { unit, stratum: row[1], size: rows.length, order, steps, place, arm: armOf(record, unit) };
    if (params.method === "minimisation") {
      return { ...found, step: record.log.find((entry) => entry[0] === unit), arms: params.arms };
    }
    const log = [];
    await sequence(params, key, row[1], rows.length, at, log);
    return { ...found, block: log.filter((entry) => entry.from <= place).at(-1) };
  }

  const armOf = (record, unit) => record.result.find((row) => row[0] === unit)[2];

  return { check, trace, Difference };
})();
