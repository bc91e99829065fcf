"""A history on paper: as text for coach and participant, as CSV for the benefit system, as JSON for programs."""

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

from coaching.money.fields import Words, month_text
from coaching.money.history import History, Result
from coaching.money.rulebook import doubts
from coaching.money.track import Use
from coaching.money.words import LANGUAGES, bonus_sentences, month_name, sentences, written

COLUMNS = (
    "household", "month", "earnings", "kept", "rule", "months_left", "ordinary", "ordinary_rule",
    "shortfall", "correction", "total", "status", "before", "difference", "reasons_nl", "reasons_en",
)  # fmt: skip
HEADS = {
    "nl": ("maand", "loon", "u houdt", "regel", "over", "zonder proef", "erbij", "samen"),
    "en": ("month", "earned", "kept", "rule", "left", "ordinary", "correction", "total"),
}
WORDS = {
    "nl": {
        "in_words": "Uitleg per maand", "bonuses": "Premies", "unlimited": "vrij", "none": "-",
        "alert": "LET OP: in {months} houdt dit huishouden minder dan zonder de proef. Betaal pas na de correctie.",
        "note": "Deze berekening betaalt niets uit. De gemeente neemt het besluit over uw uitkering.",
        "carried": "Gebruikte maanden aan het eind", "unsure": "Niet nagekeken in de wet",
        "set": "Zelf bepaald door de gemeente",
    },
    "en": {
        "in_words": "In words, month by month", "bonuses": "Premiums", "unlimited": "free", "none": "-",
        "alert": "ALERT: in {months} this household keeps less than without the trial. Pay only after the correction.",
        "note": "This calculation pays nothing out. The municipality decides on your benefit.",
        "carried": "Months used at the end", "unsure": "Not verified against the law",
        "set": "Set by the municipality",
    },
}  # fmt: skip


def records(history: History) -> list[dict[str, Any]]:
    """One flat record a month; amounts as Decimals."""
    return [_record(history, place) for place in range(len(history.months))]


def _record(history: History, place: int) -> dict[str, Any]:
    result, told = history.months[place], sentences(history, place)
    return {
        "household": history.case.household,
        "month": month_text(result.month),
        "earnings": result.facts.counted,
        "kept": result.kept,
        "rule": "+".join(use.rule.id for use in result.uses) or (result.rule.id if result.rule else ""),
        "months_left": result.months_left,
        "ordinary": result.regular.kept,
        "ordinary_rule": "+".join(use.rule.id for use in result.regular.uses),
        "shortfall": result.shortfall,
        "correction": result.shortfall,
        "total": result.total,
        "status": result.status,
        "before": result.kept_before,
        "difference": result.difference,
        **{f"reasons_{language}": [sentence[language] for sentence in told] for language in LANGUAGES},
    }


def as_csv(history: History) -> str:
    """One line a month; the reasons of a month in one cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records(history):
        joined = {name: " ".join(record[name]) for name in ("reasons_nl", "reasons_en")}
        writer.writerow({**record, **joined})
    return out.getvalue()


def as_json(history: History) -> str:
    """Everything, amounts as strings so that no cent is lost."""
    document = {
        "household": history.case.household,
        "regular": history.case.regular,
        "months": [
            {**record, "members": _members(result), "uses": [_use(use) for use in result.uses]}
            for record, result in zip(records(history), history.months, strict=True)
        ],
        "bonuses": [
            {
                "on": entry.payment.on.isoformat(),
                "rule": entry.rule.id,
                "amount": entry.payment.amount,
                "free": entry.free,
                "counted": entry.counted,
                "ceiling_left": entry.ceiling_left,
                "payments_left": entry.payments_left,
                "why": entry.why,
                **{f"reasons_{lang}": [words[lang] for words in bonus_sentences(entry)] for lang in LANGUAGES},
            }
            for entry in history.bonuses
        ],
        "months_used": history.carried,
        "settings": [{"rule": setting.rule, "reason": setting.reason} for setting in history.case.settings],
        "not_verified": [
            {f"{part}_{lang}": words[lang] for part, words in (("rule", rule), ("what", what)) for lang in LANGUAGES}
            for rule, what in unsure(history)
        ],
        "note": WORDS["en"]["note"],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"


def _members(result: Result) -> dict[str, Any]:
    """What each member earned: in the trial, outside it, and on days that do not count."""
    return {
        name: {"in_trial": pay.in_trial, "outside": pay.outside, "not_counted": pay.not_counted}
        for name, pay in result.facts.pay.items()
    }


def _use(use: Use) -> dict[str, Any]:
    return {
        "rule": use.rule.id,
        "article": use.version.article,
        "members": use.members,
        "earned": use.earned,
        "before_cap": use.formula,
        "cap": use.cap,
        "netted": use.netted,
        "amount": use.amount,
        "month": use.used,
        "left": use.left,
    }


def as_text(history: History, languages: tuple[str, ...] = LANGUAGES) -> str:
    """The month table, and under it every step in words."""
    case = history.case
    lines = [f"{case.household}: {month_text(case.first)} - {month_text(case.last)}", ""]
    if short := [result.month for result in history.months if result.shortfall]:
        for language in languages:
            months = ", ".join(month_name(month, language) for month in short)
            lines += [WORDS[language]["alert"].format(months=months), ""]
    lines += [*_table(history, languages[-1]), ""]
    for language in languages:
        lines += [WORDS[language]["in_words"], "", *_in_words(history, language)]
        if history.bonuses:
            lines += ["", WORDS[language]["bonuses"]]
            lines += [f"  {said[language]}" for entry in history.bonuses for said in bonus_sentences(entry)]
        lines.append("")
    for language in languages:
        lines += _closing(history, language)
    return "\n".join([*lines, ""])


def _in_words(history: History, language: str) -> Iterator[str]:
    """Each month with its sentences; months in a row that say the same are told once."""
    told = [[sentence[language] for sentence in sentences(history, place)] for place in range(len(history.months))]
    for same, places in groupby(range(len(told)), key=lambda place: told[place]):
        first, *rest = places
        span = [history.months[place].month for place in (first, *rest[-1:])]
        yield " - ".join(month_name(month, language) for month in span)
        yield from (f"  {sentence}" for sentence in same)


def _closing(history: History, language: str) -> list[str]:
    words = WORDS[language]
    used = [
        f"{name}: {history.book.rule(rule).name[language]} {months}"
        for name, rules in history.carried.items()
        for rule, months in rules.items()
    ]
    return [
        f"{words['carried']}: {'; '.join(used) or words['none']}",
        *(
            f"{words['set']}: {_name(history, setting.rule)[language]}: {setting.reason}"
            for setting in history.case.settings
        ),
        *(f"{words['unsure']}: {rule[language]}: {what[language]}" for rule, what in unsure(history)),
        words["note"],
        "",
    ]


def _name(history: History, rule: str) -> Words:
    return history.book.bonuses[rule].name if rule in history.book.bonuses else history.book.rule(rule).name


def unsure(history: History) -> list[tuple[Words, Words]]:
    """What is not verified in the rules that this case used or was compared with: the rule's name, and the doubt."""
    seen: dict[tuple[str, str], tuple[Words, Words]] = {}
    for result in history.months:
        for use in (*result.uses, *result.regular.uses):
            seen |= {(use.rule.id, key): (use.rule.name, doubts()[key]) for key in use.version.unverified}
    for entry in history.bonuses:
        if entry.version is not None:
            seen |= {(entry.rule.id, key): (entry.rule.name, doubts()[key]) for key in entry.version.unverified}
    if history.case.provisions:
        seen[history.case.regular, "term"] = (
            history.book.regime(history.case.regular).title,
            doubts()["term-in-trial"],
        )
    return list(seen.values())


def _table(history: History, language: str) -> list[str]:
    rows = [HEADS[language], *(_row(result, language) for result in history.months)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            _pad(cell, width, place) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(result: Result, language: str) -> tuple[str, ...]:
    words = WORDS[language]
    names = [use.rule.name[language] for use in result.uses] or ([result.rule.name[language]] if result.rule else [])
    left = words["unlimited"] if result.months_left is None and result.rule else str(result.months_left or 0)
    amounts = [result.facts.counted, result.kept, result.regular.kept, result.shortfall, result.total]
    earned, kept, ordinary, extra, total = (_plain(amount, language) for amount in amounts)
    rule = " + ".join(names) or words["none"]
    return (month_text(result.month), earned, kept, rule, left, ordinary, extra, total)


def _plain(amount: Decimal, language: str) -> str:
    return written(amount, language).replace("€", "").strip()


def _pad(cell: str, width: int, place: int) -> str:
    return cell.ljust(width) if place in {0, 3} else cell.rjust(width)
