#!/usr/bin/env python3
"""On a bare Python of 3.11 or later, `verify.py RECORD.json [EARLIER.json]` replays a VLOT-1 lottery: what it finds
begins with `verified`, or is the first difference. EARLIER.json is the record as it was published before."""

import hashlib
import hmac
import json
import re
import struct
import sys
import unicodedata
from fractions import Fraction
from itertools import combinations, count, pairwise
from pathlib import Path


class Difference(Exception):
    """The first thing in the record that does not follow from the rest."""


def require_none(differences):
    for difference in differences:
        raise Difference(difference)


def require(fact, difference):
    require_none([] if fact else [difference])


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def block(seed, domain, number):
    """32 bytes of a domain's stream: HMAC-SHA256, under the seed, of its name with the number after it."""
    return hmac.digest(seed, f"VLOT-1|{domain}|{number}".encode(), "sha256")


def words(seed, domain):
    """The stream of a domain as numbers of 8 bytes, four in a block."""
    return (word for number in count() for word in struct.unpack(">4Q", block(seed, domain, number)))


def below(stream, n):
    """A fair number under n: a word at or above the largest multiple of n is skipped."""
    return next(word for word in stream if word < 2**64 - 2**64 % n) % n


def shuffle(seed, domain, items):
    """From the last place down, swap each item with a drawn one at or before it."""
    items, stream = list(items), words(seed, domain)
    for last in range(len(items) - 1, 0, -1):
        other = below(stream, last + 1)
        items[last], items[other] = items[other], items[last]
    return items


def sequence(params, seed, stratum, n, at=""):
    """The arms of the first n places of a stratum; `at` begins the domains of attempts under a balance rule."""
    template = [arm for arm, times in zip(params["arms"], params["ratio"], strict=True) for _ in range(times)]
    arms, sizes = [], params["multipliers"]
    if params["method"] == "complete":
        rest = shuffle(seed, f"{at}rest|{stratum}", template)[: n % len(template)]
        return shuffle(seed, f"{at}arms|{stratum}", template * (n // len(template)) + rest)
    if params["method"] == "blocks":
        for number in count():
            if len(arms) >= n:
                return arms[:n]
            size = below(words(seed, f"{at}size|{stratum}|{number}"), len(sizes)) if len(sizes) > 1 else 0
            arms += shuffle(seed, f"{at}block|{stratum}|{number}", template * sizes[size])
    stream, lead, odds = words(seed, f"{params['method']}|{stratum}"), 0, Fraction(params.get("probability", 1))
    for _ in range(n):
        fair = params["method"] == "simple" or lead == 0
        keep = not fair and (abs(lead) == params.get("limit") or below(stream, odds.denominator) < odds.numerator)
        arm = below(stream, len(template)) if fair else int((lead > 0) == keep)  # keep to the arm that is behind
        lead += 1 - 2 * arm
        arms.append(template[arm])
    return arms


def minimised(params, counts, levels, key):
    """A newcomer most likely goes where the counts of their levels stay closest: all scores, coin kept, arm."""
    every, coin, odds = range(len(params["arms"])), words(key, "coin"), Fraction(params["probability"])
    rows, scores = [counts.setdefault(level, [0 for _ in every]) for level in enumerate(levels)], [0 for _ in every]
    for newcomer in every:
        for factor, row in zip(params["factors"], rows, strict=True):
            has = [units + (arm == newcomer) for arm, units in enumerate(row)]
            squares = len(has) * sum(units**2 for units in has) - sum(has) ** 2
            spread = squares if params["distance"] == "variance" else max(has) - min(has)
            scores[newcomer] += factor["weight"] * spread
    best = [arm for arm in every if scores[arm] == min(scores)]
    kept = len(best) == len(scores) or below(coin, odds.denominator) < odds.numerator
    group = best if kept else [arm for arm in every if arm not in best]
    drawn = group[below(coin, len(group))]
    for row in rows:
        row[drawn] += 1
    return scores, kept, params["arms"][drawn]


def determinant(m):
    minors = [determinant([row[:j] + row[j + 1 :] for row in m[1:]]) for j in range(len(m))]
    return sum((-1) ** j * m[0][j] * minor for j, minor in enumerate(minors)) if m else 1


def balanced(rule, rows, arms):
    """Whether any two arms are alike, exactly; M <= max when max S - n d d' has no negative determinant."""
    everyone, size = {row[0]: list(map(Fraction, row[2:])) for row in rows}, range(len(rule.get("mahalanobis", [])))
    groups = [[everyone[unit] for unit in arms if arms[unit] == arm] for arm in set(arms.values())]
    middle, *means = ([sum(c) / len(g) for c in zip(*g, strict=True)] for g in (everyone.values(), *groups))
    s = [[sum((x[i] - middle[i]) * (x[j] - middle[j]) for x in everyone.values()) for j in size] for i in size]
    for (one, mean1), (two, mean2) in combinations(zip(groups, means, strict=True), 2):
        d, n = [x - y for x, y in zip(mean1, mean2, strict=True)], Fraction(len(one) * len(two), len(one) + len(two))
        most, tolerances = Fraction(rule.get("max", 0)) / (len(rows) - 1), rule.get("tolerances", [])
        far = any(abs(x) > Fraction(t["max_difference"]) for x, t in zip(d[len(size) :], tolerances, strict=True))
        if far or determinant([[most * s[i][j] - n * d[i] * d[j] for j in size] for i in size]) < 0:
            return False
    return True


def replay(record, seed):
    """The arm of every unit, the accepted attempt of a balance rule, and the steps of minimisation."""
    params, strata = record["params"], {}
    for row in record["units"]:
        strata.setdefault(row[1], []).append(row)
    for attempt in range(params["balance"]["tries"]) if "balance" in params else [None]:
        arms, log, at = {}, [], "" if attempt is None else f"{attempt}|"
        for stratum in sorted(strata):
            order, counts = shuffle(seed, f"{at}order|{stratum}", strata[stratum]), {}
            if params["method"] == "minimisation":
                for place, row in enumerate(order):
                    log.append([row[0], *minimised(params, counts, row[2:], block(seed, f"slot|{stratum}", place))])
                    arms[row[0]] = log[-1][-1]
            else:
                drawn = sequence(params, seed, stratum, len(order), at)
                arms.update(zip([row[0] for row in order], drawn, strict=True))
        if attempt is None or balanced(params["balance"], record["units"], arms):
            return arms, attempt, log or None
    raise Difference("attempt: no draw meets the balance rule")


def slots(record, seed):
    """The arms of the places given out one by one, each in its turn and as its seal says."""
    arms, taken = {}, {stratum: 0 for stratum, _ in record["strata"]}
    drawn = {stratum: sequence(record["params"], seed, stratum, n) for stratum, n in record["strata"]} if seed else {}
    for stratum, place, unit, arm, key in record["revealed"]:
        taken[stratum] += 1
        seal = sha256(f"VLOT-1|slot|{stratum}|{place}|{arm}|{key}")
        opens = seal == record["slots"][stratum][place - 1] and (not seed or arm == drawn[stratum][place - 1])
        require(opens, f"revealed: {unit}: the seal of place {place} of {stratum} does not hold {arm}")
        require(place == taken[stratum] and unit not in arms, f"revealed: {unit}: got place {place} out of turn")
        arms[unit] = arm
    return arms, None, None


def check(record, published=None):
    """Raise Difference unless all of the record follows from its list, its secret and its beacon; say how far it is."""
    params, rows, result = record["params"], record.get("units") or record["strata"], record.get("result", [])
    text = json.dumps(params, sort_keys=True, separators=(",", ":"))
    require(record["version"] == params["version"] == "VLOT-1", "version: is not VLOT-1")
    require(sha256(text) == record["params_hash"], "params: an arm, the ratio, the method or a block size was changed")
    require_none(f"list: {b[0]} stands twice or out of order, after {a[0]}" for a, b in pairwise(rows) if a[0] >= b[0])
    text = "".join(["\t".join(map(str, row)) + "\n" for row in rows])
    odd = (n for row in rows for n in map(str, row) if {*n} & {*"\t\n\r"} or not unicodedata.is_normalized("NFC", n))
    require_none(f"list: {name!r} holds a TAB, a line break or a letter not in form NFC" for name in odd)
    pairs = zip(rows, result if "units" in record else [], strict=False)
    require_none(f"list: {a[0]} in {a[1]} stands where the result has {b[:2]}" for a, b in pairs if a[:2] != b[:2])
    require(sha256(text) == record["list_hash"], "list: a unit or a stratum was changed, added or removed")
    for key in ("params_hash", "list_hash", "commitment", "event", *published) if published else ():
        now = record[key][: len(published[key])] if key == "revealed" else record.get(key)
        require(now == published.get(key), f"{key}: is not what was published")
    late = [key for key in ("secret", "seed", "revealed", "result", "result_hash") if key in record]
    if "beacon" not in record:
        require(not late, f"{', '.join(late)}: cannot be there without a beacon")
        return "list and commitment; not drawn yet"
    event = record.get("event", "(0|[1-9][0-9]*)") + ":[0-9a-f]{64}"
    require(re.fullmatch(event, record["beacon"]), "beacon: is malformed, or not of the announced event")
    if "units" not in record and "secret" not in record:
        require(late == ["revealed"], f"{', '.join(late)}: cannot be there without the secret")
        return f"{len(slots(record, None)[0])} places given out, as their seals say; the rest is not drawn yet"
    secret, text = bytes.fromhex(record["secret"]), "|".join(record[k] for k in ("params_hash", "list_hash", "beacon"))
    require(hashlib.sha256(b"VLOT-1|commit|" + secret).hexdigest() == record["commitment"], "secret: is another one")
    seed = hmac.digest(secret, f"VLOT-1|seed|{text}".encode(), "sha256")
    require(seed.hex() == record["seed"], "seed: is not made of this secret, list and beacon: one of them was changed")
    arms, attempt, log = replay(record, seed) if "units" in record else slots(record, seed)
    wrong = ((n, unit, arm) for n, (unit, _, arm) in enumerate(result, 1) if arm != arms[unit])
    require_none(f"result line {n}: {u}: the draw gives {arms[u]}, the record says {arm}" for n, u, arm in wrong)
    require(len(result) == len(arms), f"result: has {len(result)} units, the draw {len(arms)}")
    require(sha256("".join(["\t".join(row) + "\n" for row in result])) == record["result_hash"], "result_hash: differs")
    require([attempt, log] == [record.get("attempt"), record.get("log")], "attempt or log: was changed")
    return f"{len(result)} units drawn again, same groups"


if __name__ == "__main__":
    try:
        given, *before = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:3])
        told = (f"{key} {given[key]}" for key in given if re.search("event|commitment|hash", key))
        print(f"verified: {check(given, *before)}", *told, sep="\n")
    except (Difference, OSError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        sys.exit(print(error if isinstance(error, Difference) else f"record: is no lottery: {error!r}") or 1)
