"""A protocol in sentences, in the language of the page."""

from collections.abc import Iterator
from decimal import Decimal

from django import template
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from trialmgr.core.templatetags.formats import decimals
from trialmgr.protocol.schema import (
    Allocation,
    Arm,
    Bilingual,
    Bonus,
    Choice,
    ContactNorm,
    Disregard,
    Exemption,
    Intensification,
    Outcome,
    Protocol,
    Provision,
    Round,
    Wave,
)

register = template.Library()
WORDS: dict[str, Promise] = {
    "batch": gettext_lazy("one draw after the closing date"),
    "rolling": gettext_lazy("drawn as people come in"),
    "work": gettext_lazy("looking for work"),
    "reintegration": gettext_lazy("reintegration"),
    "unpaid_service": gettext_lazy("an unpaid service in return"),
    "in_person": gettext_lazy("face to face"),
    "phone": gettext_lazy("by telephone"),
    "any": gettext_lazy("in any way"),
    "trial_coach": gettext_lazy("a coach of the trial"),
    "regular": gettext_lazy("the ordinary contact person"),
    "opt_in_written": gettext_lazy("in writing, beforehand"),
    "opt_out": gettext_lazy("who does not want to take part says so"),
    "statutory": gettext_lazy("taking part is a duty by law"),
    "consent": gettext_lazy("consent"),
    "public_task": gettext_lazy("public task"),
    "research": gettext_lazy("scientific research"),
    "legal_duty": gettext_lazy("legal duty"),
    "household": gettext_lazy("household"),
    "person": gettext_lazy("person"),
    "blocks": gettext_lazy("in blocks of which the order is drawn"),
    "complete": gettext_lazy("one draw of a closed list"),
    "higher": gettext_lazy("higher is better"),
    "lower": gettext_lazy("lower is better"),
    "neither": gettext_lazy("neither is better"),
    "email": gettext_lazy("by mail"),
    "letter": gettext_lazy("by letter"),
    "as_assigned": gettext_lazy("everybody in the group that the lot gave"),
    "as_received": gettext_lazy("everybody in the group whose rules they followed"),
}


@register.filter
def spoken(text: Bilingual) -> str:
    return text.text(get_language() or "nl")


@register.filter
def in_words(choice: str) -> str:
    """A choice of the protocol, such as `rolling`, as a page says it."""
    return str(WORDS[choice])


@register.filter
def texts_of(arm: Arm) -> list[tuple[str, str]]:
    """What a participant of the group is told."""
    told = arm.texts.texts(get_language() or "nl")
    return [
        (_("What changes"), told.changes),
        (_("What stays"), told.stays),
        (_("When you work"), told.earn),
        (_("When you want to stop"), told.stop),
    ]


@register.filter
def provisions(protocol: Protocol, arm: Arm) -> list[str]:
    return [" ".join(_provision(protocol, one)) for one in arm.provisions]


def _provision(protocol: Protocol, one: Provision) -> Iterator[str]:
    match one:
        case Exemption():
            yield from _exemption(one)
        case Intensification():
            yield _("%(factor)s times the ordinary contacts and agreements.") % {"factor": _number(one.factor)}
        case Disregard():
            yield from _disregard(one)
        case Bonus():
            yield from _bonus(one)
        case Choice():
            names = ", ".join(spoken(protocol.arm(code).name) for code in one.options)
            yield _("The household chooses: %(names)s.") % {"names": names}
            yield _("It may choose anew.") if one.may_change else _("It chooses once.")
        case _nothing:
            yield _("The ordinary rules.")


def _exemption(one: Exemption) -> Iterator[str]:
    yield _("No duty of: %(duties)s.") % {"duties": ", ".join(map(in_words, one.duties))}
    if one.review_months:
        months = ", ".join(map(str, one.review_months))
        yield _("Effort is reviewed in month: %(months)s.") % {"months": months}
    if one.max_months:
        yield _("For at most %(n)s months.") % {"n": one.max_months}


def _disregard(one: Disregard) -> Iterator[str]:
    yield _("Keeps %(percent)s%% of earnings.") % {"percent": _number(one.percent)}
    if one.monthly_cap is not None:
        yield _("At most %(cap)s euro a month.") % {"cap": _number(one.monthly_cap)}
        if one.joint_for_couples:
            yield _("For a couple together.")
    yield _("For at most %(n)s months.") % {"n": one.max_months}


def _bonus(one: Bonus) -> Iterator[str]:
    facts = {"euro": _number(one.yearly_max), "n": one.payments_per_year}
    yield _("A bonus of at most %(euro)s euro a year, in %(n)s payments.") % facts
    yield _("The condition: %(condition)s") % {"condition": spoken(one.condition)}


def _number(value: float | Decimal) -> str:
    """With cents or tenths only where there are any."""
    return decimals(value, 0 if value == int(value) else 2)


@register.filter
def contact_norm(norm: ContactNorm) -> str:
    every = ngettext("Every week, %(how)s.", "Once every %(n)s weeks, %(how)s.", norm.every_weeks)
    sentences = [every % {"n": norm.every_weeks, "how": in_words(norm.by)}]
    if norm.first_within_weeks:
        sentences.append(_("The first time within %(n)s weeks.") % {"n": norm.first_within_weeks})
    if norm.alarm_per_year:
        sentences.append(_("More than %(n)s a year is a warning.") % {"n": norm.alarm_per_year})
    return " ".join(sentences)


@register.filter
def places(protocol: Protocol, entry: Round) -> list[tuple[str, int, int]]:
    """The groups of a round: name, share of the households, persons hoped for."""
    shares, wanted = entry.template, protocol.targets(entry.code)
    return [(spoken(arm.name), shares[arm.code], wanted[arm.code]) for arm in protocol.arms if arm.code in shares]


@register.filter
def lottery(allocation: Allocation) -> str:
    facts = {"unit": in_words(allocation.unit), "method": in_words(allocation.method)}
    return _("Lots are drawn by %(unit)s, %(method)s.") % facts


@register.filter
def window(wave: Wave) -> str:
    text = (
        _("day %(first)s to %(last)s after consent")
        if wave.counts_from == "consent"
        else _("day %(first)s to %(last)s after the draw")
    )
    return text % {"first": wave.opens_after_days, "last": wave.closes_after_days}


@register.filter
def reminders(wave: Wave) -> str:
    told = [_("day %(n)s, %(how)s") % {"n": one.after_days, "how": in_words(one.by)} for one in wave.reminders]
    return "; ".join(told) or "–"


@register.filter
def weight(protocol: Protocol, outcome: Outcome) -> str:
    """Whether the trial is judged by an outcome."""
    if outcome.code in protocol.analysis.primary:
        return _("primary outcome")
    return _("secondary outcome") if outcome.code in protocol.analysis.secondary else _("exploratory")


@register.filter
def names_of(protocol: Protocol, codes: tuple[str, ...]) -> str:
    return ", ".join(spoken(protocol.outcome(code).name) for code in codes)
