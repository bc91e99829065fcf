"""Each step of a month in words, in Dutch (B1) and English; the sentences themselves are in `texts.yaml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from coaching.money.bonus import Entry
from coaching.money.fields import Texts, Words
from coaching.money.history import History, Result
from coaching.money.rulebook import Dated, Regime, Rule
from coaching.money.track import Outcome, Use
from trialmgr.core.documents import read_document, validate

LANGUAGES = ("nl", "en")
MONTHS = {
    "nl": (
        "januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Percent:
    share: Decimal


@dataclass(frozen=True)
class Count:
    """A number of things, with their name in both languages, one and many."""

    number: int
    what: str


NOUNS = {
    "month": {"nl": ("maand", "maanden"), "en": ("month", "months")},
    "payment": {"nl": ("betaling", "betalingen"), "en": ("payment", "payments")},
}


@cache
def texts() -> dict[str, Words]:
    return validate(Texts, read_document(Path(__file__).with_name("texts.yaml"))).root


def say(name: str, **values: Any) -> Words:
    """A sentence with its values filled in: Decimals are euros, the rest is written as each language does."""
    text = texts()[name]
    filled = {
        language: text[language].format(**{key: written(value, language) for key, value in values.items()})
        for language in LANGUAGES
    }
    return Words(nl=filled["nl"], en=filled["en"])


def written(value: Any, language: str) -> str:
    if isinstance(value, Decimal):
        return euros(value, language)
    if isinstance(value, Percent):
        return number(value.share * 100, language) + "%"
    if isinstance(value, Count):
        return f"{value.number} {NOUNS[value.what][language][value.number != 1]}"
    if isinstance(value, date):
        return f"{value.day} {MONTHS[language][value.month - 1]} {value.year}"
    return value[language] if isinstance(value, Words) else str(value)


def euros(amount: Decimal, language: str) -> str:
    """`€ 1.234,50` in Dutch, `€1,234.50` in English."""
    text = f"{abs(amount):,.2f}"
    sign = "-" if amount < 0 else ""
    if language == "nl":
        return f"€ {sign}" + text.translate(str.maketrans(",.", ".,"))
    return f"{sign}€{text}"


def number(value: Decimal, language: str) -> str:
    """Without needless zeros; a comma for the decimals in Dutch."""
    text = f"{value.normalize():f}"
    return text.replace(".", ",") if language == "nl" else text


def month_name(month: int, language: str) -> str:
    return f"{MONTHS[language][month % 12]} {month // 12}"


def sentences(history: History, place: int) -> list[Words]:
    """Every step of one month, in the order in which a person would reckon."""
    result = history.months[place]
    before = history.months[place - 1] if place else None
    return [*_changes(history, result, before), *_steps(result), *_corrected(result)]


def _changes(history: History, result: Result, before: Result | None) -> Iterator[Words]:
    if before is None:
        return
    names = dict.fromkeys(
        [history.case.regular, *([result.facts.regime] if result.trial and result.facts.regime else [])]
    )
    for regime in map(history.book.regime, names):
        if any(_terms(rule, result.month) != _terms(rule, before.month) for rule in _concerned(regime, result, before)):
            yield say("law_change", law=regime.title)
    for who in result.facts.pay:
        if who not in before.facts.pay:
            yield say("joined", who=who)
    for who in before.facts.pay:
        if who not in result.facts.pay:
            yield say("left", who=who)


def _concerned(regime: Regime, result: Result, before: Result) -> list[Rule]:
    """The rules that someone in the household could use this month or the last."""
    held = [*result.facts.traits.values(), *before.facts.traits.values()]
    return [rule for rule in regime.rules if any(rule.fits(traits) for traits in held)]


def _terms(rule: Rule, month: int) -> dict[str, Any] | None:
    """What a rule gives in a month, apart from its dates and grounds."""
    version = rule.at(month)
    return version.model_dump(exclude=set(Dated.model_fields)) if version else None


def _steps(result: Result) -> Iterator[Words]:
    facts = result.facts
    if facts.benefit_days == 0:
        yield say("no_benefit")
        return
    if facts.benefit_days < facts.days:
        yield say("part_month", days=facts.benefit_days, all=facts.days)
    for who, pay in facts.pay.items():
        if pay.counted:
            yield say("earned", who=who, amount=pay.counted)
        if pay.not_counted:
            yield say("not_counted", who=who, amount=pay.not_counted)
        if result.trial and pay.outside:
            split = who in facts.in_trial
            name = "split_trial" if split else "outside_trial"
            yield say(name, who=who, **({"inside": pay.in_trial, "outside": pay.outside} if split else {}))
    if not facts.counted:
        yield say("nothing_earned_runs" if _runs_on(result) else "nothing_earned")
        return
    yield from _kept(result)


def _runs_on(result: Result) -> bool:
    version = result.rule.at(result.month) if result.rule else None
    started = version is not None and version.months is not None and (result.months_left or 0) < version.months
    return version is not None and version.count == "consecutive" and started


def _kept(result: Result) -> Iterator[Words]:
    told: set[str] = set()
    for outcome in filter(None, result.laws):
        for rule, version in outcome.exhausted:
            if rule.id not in told:
                told.add(rule.id)
                yield say("exhausted", rule=rule.name, months=version.months)
    for use in result.uses:
        yield from _use(use, result)
    if not result.uses:
        yield say("no_rule")
    for who in _without_rule(result) if result.uses else ():
        yield say("no_rule_for", who=who)
    if result.joint_cap is not None:
        yield say("joint_cap", cap=result.joint_cap)
    yield say("kept", kept=result.kept, rest=result.facts.counted - result.kept)
    if result.trial is not None:
        yield _compared(result)


def _without_rule(result: Result) -> Iterator[str]:
    """Who earned something in the month for which no rule was used."""
    used = [{name for use in outcome.uses for name in use.members} if outcome else set() for outcome in result.laws]
    for who, pay in result.facts.pay.items():
        if (pay.in_trial and who not in used[0]) or (pay.outside and who not in used[1]):
            yield who


def _use(use: Use, result: Result) -> Iterator[Words]:
    version, alone = use.version, len(result.facts.pay) == 1
    yield say("rule", rule=use.rule.name, whom=_whom(use.members, alone), article=version.article)
    if version.reason:
        yield say("rule_set", reason=version.reason)
    if sum(result.facts.pay[name].counted > 0 for name in use.members) > 1:
        yield say("together", amount=use.earned)
    if use.restarted:
        yield say("restarted")
    yield _formula(use)
    if use.cap is not None and use.formula > use.cap:
        kind = "cap_part" if use.cap != version.cap else "cap_joint" if len(use.members) > 1 else "cap_single"
        yield say(kind, cap=use.cap)
    if min(use.formula, use.formula if use.cap is None else use.cap) > use.earned:
        yield say("not_above_earnings", amount=use.earned)
    if use.netted:
        yield say("netted", netted=use.netted)
    if version.months is None:
        yield say("no_limit")
    elif use.amount:
        left = Count(use.left or 0, "month")
        yield say("month_of", used=use.used, months=Count(version.months, "month"), left=left)
    else:
        yield say("month_not_used")


def _whom(members: tuple[str, ...], alone: bool) -> Words:
    if alone:
        return Words(nl="u", en="you")
    *first, last = members
    return Words(
        nl=f"{', '.join(first)} en {last}" if first else last, en=f"{', '.join(first)} and {last}" if first else last
    )


def _formula(use: Use) -> Words:
    version = use.version
    if version.share is not None:
        exact = use.earned * version.share == use.formula
        return say(
            "share" if exact else "share_rounded", share=Percent(version.share), earned=use.earned, formula=use.formula
        )
    plain = {"hours": use.hours, "base_hours": version.base_hours or Decimal(0)}
    hours = {name: Words(nl=number(value, "nl"), en=number(value, "en")) for name, value in plain.items()}
    name = "hours_whole" if version.whole_hours else "hours"
    return say(name, base=version.base, per_hour=version.per_hour, formula=use.formula, **hours)


def _compared(result: Result) -> Words:
    amount, why = result.regular.kept, _why(result.regular)
    if result.shortfall:
        return say("ordinary_more", amount=amount, why=why, less=result.shortfall)
    if result.kept > amount:
        return say("ordinary_less", amount=amount, why=why, more=result.kept - amount)
    return say("ordinary_same", amount=amount, why=why)


def _why(ordinary: Outcome) -> Words:
    """By which rule the ordinary amount comes about, or why there is none."""
    if ordinary.uses:
        parts = list(dict.fromkeys(_by(use) for use in ordinary.uses))
        each = say("each") if len(parts) < len(ordinary.uses) else Words(nl="", en="")
        return Words(
            nl=" en ".join(part.nl for part in parts) + each.nl, en=" and ".join(part.en for part in parts) + each.en
        )
    if ordinary.exhausted:
        rule, version = ordinary.exhausted[-1]
        return say("by_exhausted", rule=rule.name, months=Count(version.months or 0, "month"))
    return say("by_none")


def _by(use: Use) -> Words:
    name, share = use.rule.name, use.version.share
    if share is None:
        return say("by_rule", rule=name)
    if use.cap is None:
        return say("by_share", rule=name, share=Percent(share))
    return say("by_share_capped", rule=name, share=Percent(share), cap=use.cap)


def _corrected(result: Result) -> Iterator[Words]:
    change = result.difference
    if change:
        name = "corrected_more" if change > 0 else "corrected_less"
        yield say(name, before=result.kept_before, now=result.total, amount=abs(change))


def bonus_sentences(entry: Entry) -> list[Words]:
    """What becomes of one premium."""
    paid, version = entry.payment, entry.version
    common = {"day": paid.on, "amount": paid.amount, "rule": entry.rule.name}
    if version is None:
        return [say("bonus_not_known", **common)]
    rest = {"free": entry.free, "rest": entry.counted}
    told = {
        "free": lambda: say("bonus_free", **common),
        "ceiling": lambda: say("bonus_ceiling", ceiling=version.ceiling, **common, **rest),
        "amount": lambda: say(
            "bonus_amount", months=Count(paid.months or 0, "month"), per_month=version.per_month, **common, **rest
        ),
        "payments-used": lambda: say("bonus_payments_used", payments=version.payments, **common),
        "not-for-you": lambda: say("bonus_not_for_you", **common),
    }
    if not (entry.ceiling_left and entry.payments_left):
        return [told[entry.why](), say("bonus_used_up")]
    left = say("bonus_left", left=entry.ceiling_left, payments=Count(entry.payments_left, "payment"))
    return [told[entry.why](), left]
