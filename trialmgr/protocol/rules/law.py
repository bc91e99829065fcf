"""The rules of the legal regime."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from trialmgr.protocol import regimes
from trialmgr.protocol.regimes import REGIMES, RegimeRules
from trialmgr.protocol.rules.finding import Finding, each_provision
from trialmgr.protocol.schema import Arm, Disregard, Exemption, Intensification, Protocol, Regime

TREATMENTS = frozenset({"exemption", "intensification", "disregard"})


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def rules_of(protocol: Protocol) -> RegimeRules:
    return REGIMES[protocol.legal.regime]


def basis_named(protocol: Protocol) -> Iterator[Finding]:
    if protocol.legal.regime is Regime.OTHER and protocol.legal.basis is None:
        yield Finding(("legal", "basis"), "is missing", "say in nl: and en: what law the trial rests on")


def in_force(protocol: Protocol) -> Iterator[Finding]:
    rules = rules_of(protocol)
    if rules.in_force is None:
        return
    first, last = rules.in_force
    for key, day in (("start", protocol.start), ("end", protocol.end)):
        if not first <= day <= last:
            yield Finding(
                (key,),
                f"is {day}, but {rules.name} was in force from {first} to {last}",
                "take days within it, or legal.regime: other with the law that holds now",
            )


def duration(protocol: Protocol) -> Iterator[Finding]:
    rules, start = rules_of(protocol), protocol.start
    limits = [(rules.max_months, f"{rules.name} {rules.max_months_article}")]
    if protocol.legal.regime is Regime.DECREE_2017 or (
        protocol.legal.regime is Regime.OTHER and protocol.legal.article_83
    ):
        limits.append((regimes.in_force_on(start, regimes.ARTICLE_83_MONTHS), "article 83 of the Participatiewet"))
    for months, source in limits:
        if months is not None and protocol.end >= months_after(start, months):
            last = months_after(start, months) - timedelta(days=1)
            yield Finding(
                ("end",),
                f"is more than {months} months after the start, the most that {source} allows",
                f"end by {last}",
            )
            return


def control_arm(protocol: Protocol) -> Iterator[Finding]:
    rules = rules_of(protocol)
    if rules.control_required and not any(arm.kinds == {"none"} for arm in protocol.arms):
        yield Finding(
            ("arms",),
            f"have no control arm, which {rules.name} always requires (art. 6)",
            "add an arm with provisions: [{kind: none}]",
        )


def exemption_needs_intensification(protocol: Protocol) -> Iterator[Finding]:
    if not rules_of(protocol).intensification_beside_exemption:
        return
    if any("intensification" in arm.kinds for arm in protocol.arms):
        return
    for place, arm in enumerate(protocol.arms):
        if "exemption" in arm.kinds:
            yield Finding(
                ("arms", place, "provisions"),
                "hold an exemption, but no arm has intensification, which the 2017 decree then requires (art. 5)",
                "add an arm with kind: intensification",
            )


def never_both(protocol: Protocol) -> Iterator[Finding]:
    if not rules_of(protocol).exemption_and_intensification_apart:
        return
    for place, arm in enumerate(protocol.arms):
        if {"exemption", "intensification"} <= arm.kinds:
            yield Finding(
                ("arms", place, "provisions"),
                "hold exemption and intensification together, which the 2017 decree forbids (art. 5(1)(d))",
                "give each an arm of its own",
            )


def combinations(protocol: Protocol) -> Iterator[Finding]:
    most = rules_of(protocol).max_combination_arms
    combined = [place for place, arm in enumerate(protocol.arms) if len(arm.kinds & TREATMENTS) > 1]
    if most is None or len(combined) <= most:
        return
    for place in combined[most:]:
        yield Finding(
            ("arms", place, "provisions"),
            f"make combination arm number {combined.index(place) + 1}; the 2017 decree allows {most} (art. 5(1)(d))",
            "leave one provision, or drop the arm",
        )


def disregards(protocol: Protocol) -> Iterator[Finding]:
    rules = rules_of(protocol)
    for arm_place, place, provision in each_provision(protocol):
        if not isinstance(provision, Disregard):
            continue
        key = ("arms", arm_place, "provisions", place)
        if not rules.disregard_allowed:
            yield Finding(
                (*key, "kind"),
                f"is a disregard, which {rules.name} may not use",
                "remove it: the ordinary rule applies",
            )
        elif rules.disregard is not None:
            yield from _within(provision, rules, key)


def _within(given: Disregard, rules: RegimeRules, key: tuple[str | int, ...]) -> Iterator[Finding]:
    limit = rules.disregard
    assert limit is not None
    source = f"{rules.name} ({limit.article})"
    if given.percent > limit.percent:
        yield Finding(
            (*key, "percent"), f"is {given.percent}, more than {source} allows", f"write at most {limit.percent}"
        )
    if given.monthly_cap is None or given.monthly_cap > limit.monthly_cap:
        found = "no ceiling" if given.monthly_cap is None else f"{given.monthly_cap} euro"
        yield Finding((*key, "monthly_cap"), f"is {found}; {source} sets one", f"write at most {limit.monthly_cap}")
    if given.max_months > limit.months:
        yield Finding(
            (*key, "max_months"), f"is {given.max_months}, more than {source} allows", f"write at most {limit.months}"
        )
    if not given.joint_for_couples:
        yield Finding((*key, "joint_for_couples"), f"is no, but {source} counts a couple as one", "write yes")


def effort_reviews(protocol: Protocol) -> Iterator[Finding]:
    reviews = rules_of(protocol).effort_reviews
    for arm_place, place, provision in each_provision(protocol):
        if reviews and isinstance(provision, Exemption) and provision.review_months != reviews:
            given = list(provision.review_months)
            yield Finding(
                ("arms", arm_place, "provisions", place, "review_months"),
                f"are {given}, but the 2017 decree wants a check of the efforts at these months (art. 5(1)(a))",
                f"write {list(reviews)}",
            )


def doubled_contacts(protocol: Protocol) -> Iterator[Finding]:
    if not rules_of(protocol).doubled_contacts:
        return
    ordinary = next((arm for arm in protocol.arms if arm.kinds == {"none"}), None)
    for place, arm in enumerate(protocol.arms):
        if "intensification" in arm.kinds:
            yield from _doubled(arm, ordinary, ("arms", place))


def _doubled(arm: Arm, ordinary: Arm | None, key: tuple[str | int, ...]) -> Iterator[Finding]:
    for place, provision in enumerate(arm.provisions):
        if isinstance(provision, Intensification) and provision.factor < 2:
            yield Finding(
                (*key, "provisions", place, "factor"),
                f"is {provision.factor}, but intensification is at least a doubling (art. 5(1)(b))",
                "write 2 or more",
            )
    if arm.contact.by != "in_person":
        yield Finding(
            (*key, "contact", "by"), "is not in person, but the doubled contacts are (art. 5(1)(b))", "write in_person"
        )
    if ordinary is not None and arm.contact.every_weeks * 2 > ordinary.contact.every_weeks:
        yield Finding(
            (*key, "contact", "every_weeks"),
            f"is {arm.contact.every_weeks}, less than twice as often as {ordinary.contact.every_weeks} "
            f"in arm {ordinary.code} (art. 5(1)(b))",
            f"write at most {ordinary.contact.every_weeks // 2}",
        )


def premiums(protocol: Protocol) -> Iterator[Finding]:
    ceilings = [ceiling for since, ceiling in regimes.PREMIUM_CEILINGS if since <= protocol.start]
    for arm_place, place, provision in each_provision(protocol):
        if provision.kind != "bonus" or (protocol.legal.regime is Regime.OTHER and not protocol.legal.article_83):
            continue
        key = ("arms", arm_place, "provisions", place)
        if provision.payments_per_year > regimes.PREMIUMS_PER_YEAR:
            yield Finding(
                (*key, "payments_per_year"),
                f"is {provision.payments_per_year}; article 31(2)(j) leaves one or two premiums a year out of account",
                "write 1 or 2",
            )
        if ceilings and provision.yearly_max > ceilings[-1]:
            yield Finding(
                (*key, "yearly_max"),
                f"is {provision.yearly_max} euro, above the yearly ceiling of article 31(2)(j)",
                f"write at most {ceilings[-1]}",
            )


def household_drawn(protocol: Protocol) -> Iterator[Finding]:
    rules = rules_of(protocol)
    if rules.household_only and protocol.allocation.unit != "household":
        yield Finding(
            ("allocation", "unit"),
            f"is {protocol.allocation.unit}, but under {rules.name} a family is one participant (art. 1)",
            "write household",
        )


def consent_in_writing(protocol: Protocol) -> Iterator[Finding]:
    rules = rules_of(protocol)
    if rules.written_consent and protocol.consent.model != "opt_in_written":
        yield Finding(
            ("consent", "model"),
            f"is {protocol.consent.model}, but {rules.name} asks for written consent (art. 6)",
            "write opt_in_written",
        )


def reporting(protocol: Protocol) -> Iterator[Finding]:
    rules, reports = rules_of(protocol), protocol.reports
    if rules.report_months is not None and reports.every_months > rules.report_months:
        yield Finding(
            ("reports", "every_months"),
            f"is {reports.every_months}, but {rules.name} asks for a half-yearly report (art. 7(2))",
            f"write {rules.report_months}",
        )
    if rules.report_day is not None and reports.due_day > rules.report_day:
        yield Finding(
            ("reports", "due_day"),
            f"is {reports.due_day}, but the report must be in by the {rules.report_day}th (art. 7(2))",
            f"write at most {rules.report_day}",
        )


RULES = (
    basis_named,
    in_force,
    duration,
    control_arm,
    exemption_needs_intensification,
    never_both,
    combinations,
    disregards,
    effort_reviews,
    doubled_contacts,
    premiums,
    household_drawn,
    consent_in_writing,
    reporting,
)
