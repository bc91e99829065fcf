/* The page around the verifier: files in, verdict and steps out. Texts are in words.js. */
"use strict";

const page = { language: "nl", record: null, published: null, verdict: null, traced: null, fetched: [], names: {} };
const FILE = /^(\/lots\/[\w-]+\/\d+\/)(?:record|published)\.json$/;
const find = (id) => document.getElementById(id);
const words = () => WORDS[page.language];

function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function speak(language) {
  page.language = language;
  document.documentElement.lang = language;
  document.title = words().title;
  for (const part of document.querySelectorAll("[data-text]")) part.textContent = words()[part.dataset.text];
  for (const part of document.querySelectorAll("[data-label]")) part.ariaLabel = words()[part.dataset.label];
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  showFetched();
  showVerdict();
  showTrace();
}

async function readJson(file) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
  } catch {
    throw new VLOT1.Difference("form");
  }
}

/* The focus goes to the outcome of what somebody chose; a page that opens with its files leaves it where it is. */
async function verify(chosen = true) {
  page.verdict = page.traced = null;
  find("verdict").className = "";
  find("verdict").textContent = words().working;
  try {
    const record = await readJson(page.record);
    const published = page.published ? await readJson(page.published) : null;
    page.verdict = { stage: await VLOT1.check(record, published), record };
  } catch (error) {
    const known = error instanceof VLOT1.Difference ? error : new VLOT1.Difference("form");
    page.verdict = { code: known.code, values: known.values };
  }
  showVerdict();
  showTrace();
  if (chosen) find("outcome").focus();
}

function showVerdict() {
  const { verdict } = page;
  find("counts").replaceChildren();
  find("tracing").hidden = verdict?.stage !== "drawn" || !verdict.record.units;
  if (!verdict) return;
  find("verdict").className = verdict.stage ? "good" : "bad";
  find("verdict").textContent = verdict.stage ? praise(verdict) : words().wrong(words().differences[verdict.code](verdict.values));
  if (verdict.stage === "drawn") find("counts").append(countTable(verdict.record));
  if (verdict.stage) find("counts").append(element("p", words().beside), digestList(verdict.record));
}

function digestList(record) {
  const told = Object.entries(words().digests).filter(([key]) => record[key] !== undefined);
  return element("dl", told.flatMap(([key, name]) => [element("dt", name), element("dd", element("code", record[key]))]));
}

/* A group by its name and its code, when the page of the draw gave names. */
function called(arm) {
  const name = page.names[page.language]?.[arm];
  return name ? `${name} (${arm})` : arm;
}

function praise({ stage, record }) {
  if (stage === "published") return words().published_only;
  return words()[stage]({ units: (record.result ?? record.revealed).length });
}

function table(caption, heads, rows) {
  const head = element("tr", heads.map((text) => element("th", text, { scope: "col" })));
  const body = rows.map(([first, ...cells]) =>
    element("tr", [element("th", first, { scope: "row" }), ...cells.map((cell) => element("td", cell))]),
  );
  const made = element("table", [element("caption", caption), element("thead", head), element("tbody", body)]);
  return element("div", made, { class: "wide", tabindex: "0", role: "group", "aria-label": caption });
}

function countTable({ params, result }) {
  const strata = [...new Set(result.map((row) => row[1]))].sort();
  const count = (stratum, arm) => result.filter((row) => (stratum === null || row[1] === stratum) && row[2] === arm).length;
  const line = (name, stratum) => [name, ...params.arms.map((arm) => String(count(stratum, arm)))];
  const rows = [...strata.map((stratum) => line(stratum, stratum)), line(words().total, null)];
  return table(words().caption, [words().stratum, ...params.arms.map(called)], rows);
}

/* The code on the list that was meant: capitals, hyphens and spaces do not matter when only one fits. */
function unitTyped(typed) {
  const bare = (code) => code.normalize("NFC").replace(/[\s–-]/g, "").toUpperCase();
  const units = page.verdict.record.units.map((row) => row[0]);
  const exact = typed.trim().normalize("NFC");
  const alike = units.filter((unit) => bare(unit) === bare(typed));
  return units.includes(exact) ? exact : alike.length === 1 ? alike[0] : undefined;
}

async function trace(event) {
  event.preventDefault();
  const unit = unitTyped(find("unit").value);
  const known = unit !== undefined;
  find("unknown").textContent = known ? "" : words().unknown;
  find("unit").setAttribute("aria-invalid", String(!known));
  page.traced = known ? await VLOT1.trace(page.verdict.record, unit) : null;
  showTrace();
  (known ? find("steps") : find("unit")).focus();
}

function showTrace() {
  const { traced } = page;
  find("steps").replaceChildren();
  if (!traced) return;
  const text = words().steps;
  const items = [
    text.list(traced),
    [text.shuffle(traced), element("p", text.order), orderList(traced), swaps(text.swaps, traced.steps)],
    ...(traced.step ? scoreSteps(traced, text) : lotSteps(traced, text)),
    element("strong", text.arm({ ...traced, arm: called(traced.arm) })),
  ];
  find("steps").append(element("h3", text.heading(traced)));
  find("steps").append(element("ol", items.map((item) => element("li", item))));
}

function orderList({ order, unit }) {
  const codes = order.flatMap((code) => [element(code === unit ? "mark" : "span", code), " "]);
  return element("p", codes);
}

function lotSteps({ block }, text) {
  const after = block.arms.join(", ");
  if (!block.before) return [text.tosses({ after })];
  const values = { from: block.from, to: block.from + block.arms.length - 1, before: block.before.join(", "), after };
  return [text.lots(values), [text.shuffled(values), swaps(text.lotswaps, block.steps)]];
}

function scoreSteps({ step, arms }, text) {
  const scores = arms.map((arm, place) => `${arm} ${step[1][place]}`).join(", ");
  return [text.scores({ scores }), step[2] ? text.kept : text.other];
}

function swaps(summary, steps) {
  const names = words().swap;
  const rows = steps.map(({ word, n, number, swap }) => [
    element("code", word),
    `${number} (${words().of} ${n})`,
    `${swap[0]} ${words().with} ${swap[1]}`,
  ]);
  const body = table(names.caption, [names.word, names.rest, names.swap], rows);
  return element("details", [element("summary", summary), body]);
}

/* The page of a draw on the same site opens this one with its files; an address elsewhere is not followed. */
async function fetchAsked() {
  const asked = new URLSearchParams(location.search);
  const paths = ["record", "published"].map((name) => [name, asked.get(name)]).filter(([, path]) => FILE.test(path));
  if (!paths.length || location.protocol === "file:") return;
  const folder = FILE.exec(paths[0][1])[1];
  find("back").hidden = false;
  find("back").firstChild.href = folder;
  try {
    page.names = await (await fetched(`${folder}groups.json`)).json();
    for (const [name, path] of paths) page[name] = await (await fetched(path)).blob();
    page.fetched = paths.map(([, path]) => path);
  } catch {
    find("loaded").textContent = words().unreachable;
    return;
  }
  showFetched();
  verify(false);
}

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  return answer;
}

function showFetched() {
  find("loaded").textContent = page.fetched.length ? words().loaded({ paths: page.fetched }) : "";
}

/* A file from the own device takes the place of those that were fetched. */
function take(name, file) {
  if (!file) return;
  if (page.fetched.length) Object.assign(page, { record: null, published: null, fetched: [] });
  showFetched();
  page[name] = file;
  if (page.record) verify();
}

function watchDrops() {
  const zone = find("drop");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const [file] = event.dataTransfer.files;
    take(event.target.id === "published" ? "published" : "record", file);
  });
}

for (const name of ["record", "published"]) find(name).addEventListener("change", () => take(name, find(name).files[0]));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
find("ask").addEventListener("submit", trace);
watchDrops();
const wished = new URLSearchParams(location.search).get("lang");
speak(Object.hasOwn(WORDS, wished ?? "") ? wished : "nl");
fetchAsked();
