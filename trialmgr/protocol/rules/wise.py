"""Remarks: what is allowed but asks for a second look. They do not stop a protocol."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from trialmgr.core.documents import Key
from trialmgr.protocol.rules.finding import Finding, each_provision
from trialmgr.protocol.rules.law import months_after, rules_of
from trialmgr.protocol.rules.measuring import planned_outcomes
from trialmgr.protocol.schema import Disregard, Intensification, Protocol, Wave

LONGEST_SENTENCE = 15
HARD_WORDS = ("participatie", "indicatie", "respondent", "re-integratie", "conform", "middels", "betreffende", "tevens")


def arms_large_enough(protocol: Protocol) -> Iterator[Finding]:
    least = protocol.privacy.minimum_arm
    for place, arm in enumerate(protocol.arms):
        hoped = sum(protocol.targets(entry.code).get(arm.code, 0) for entry in protocol.rounds)
        if hoped < least:
            yield Finding(
                ("arms", place),
                f"{arm.code!r} will have about {hoped} persons, below the minimum of {least}",
                "recruit more",
            )


def coaches_enough(protocol: Protocol) -> Iterator[Finding]:
    coached = [arm for arm in protocol.arms if arm.caseload.worker == "trial_coach"]
    persons = sum(protocol.targets(entry.code).get(arm.code, 0) for entry in protocol.rounds for arm in coached)
    most = protocol.team.coaches * min((arm.caseload.high for arm in coached), default=0)
    if coached and persons > most:
        each = round(persons / protocol.team.coaches)
        yield Finding(
            ("team", "coaches"),
            f"are {protocol.team.coaches} for about {persons} coached persons, {each} each, above the caseload band",
            "find more coaches, or recruit fewer people",
        )


def contacts_promised(protocol: Protocol) -> Iterator[Finding]:
    ordinary = next((arm for arm in protocol.arms if arm.kinds == {"none"}), None)
    for arm_place, _, given in each_provision(protocol):
        arm = protocol.arms[arm_place]
        if ordinary is None or not isinstance(given, Intensification):
            continue
        times = arm.contact.per_year / ordinary.contact.per_year
        if times < given.factor:
            yield Finding(
                ("arms", arm_place, "contact", "every_weeks"),
                f"gives {times:.1f} times the contacts of {ordinary.code}; the arm promises {given.factor:g} times",
                "talk more often, or promise less",
            )


def few_strata(protocol: Protocol) -> Iterator[Finding]:
    strata, people = protocol.allocation.strata_count, sum(entry.target for entry in protocol.rounds)
    if strata > 1 and strata * 20 > people:
        yield Finding(
            ("allocation", "strata"), f"make {strata} strata for {people} persons", "keep 20 persons or more a stratum"
        )


def hidden_blocks(protocol: Protocol) -> Iterator[Finding]:
    rolling = any(entry.entry == "rolling" for entry in protocol.rounds)
    if rolling and len(protocol.allocation.multipliers) < 2:
        yield Finding(
            ("allocation", "multipliers"), "give one block size, so that the last places can be guessed", "write [1, 2]"
        )


def intensification_alone(protocol: Protocol) -> Iterator[Finding]:
    holding = [place for place, arm in enumerate(protocol.arms) if "intensification" in arm.kinds]
    if not rules_of(protocol).intensification_beside_exemption or not holding:
        return
    if any("exemption" in arm.kinds for arm in protocol.arms) and not any(
        protocol.arms[place].kinds == {"intensification"} for place in holding
    ):
        yield Finding(
            ("arms", holding[0], "provisions"),
            "hold intensification only together with something else",
            "ask the ministry whether this counts as the intensification group of art. 5",
        )


def last_drawn(protocol: Protocol) -> date:
    """The day on which the last people may be drawn: the clocks of their waves and provisions begin then."""
    return max(protocol.start, *(entry.closes for entry in protocol.rounds))


def embargo_after_end(protocol: Protocol) -> Iterator[Finding]:
    until, drawn = protocol.embargo.until, last_drawn(protocol)
    remedy = "wait for the last measurement"
    answered = drawn + timedelta(days=max((wave.closes_after_days for wave in _after_draw(protocol)), default=0))
    if until < protocol.end:
        yield Finding(("embargo", "until"), f"is {until}, before the trial ends", remedy)
    elif until < answered:
        what = f"is {until}, but who is drawn last, on {drawn}, may answer the last wave until {answered}"
        yield Finding(("embargo", "until"), what, remedy)


def waves_for_all(protocol: Protocol) -> Iterator[Finding]:
    drawn = last_drawn(protocol)
    for place, wave in enumerate(protocol.waves):
        opens = drawn + timedelta(days=wave.opens_after_days)
        if wave.counts_from == "draw" and opens > protocol.end:
            yield Finding(
                ("waves", place, "opens_after_days"),
                f"is {wave.opens_after_days}: who is drawn last, on {drawn}, gets it on {opens}, after the trial ends",
                "recruit until an earlier day, or say under unknown how late participants are measured",
            )


def _after_draw(protocol: Protocol) -> list[Wave]:
    return [wave for wave in protocol.waves if wave.counts_from == "draw"]


def disregard_outlasts(protocol: Protocol) -> Iterator[Finding]:
    drawn = last_drawn(protocol)
    for arm_place, place, given in each_provision(protocol):
        if not isinstance(given, Disregard):
            continue
        key = ("arms", arm_place, "provisions", place, "max_months")
        if months_after(protocol.start, given.max_months - 1) > protocol.end:
            yield Finding(key, f"is {given.max_months}, longer than the trial", "promise no more months than there are")
        elif months_after(drawn, given.max_months - 1) > protocol.end:
            what = f"is {given.max_months}, which who is drawn last, on {drawn}, does not have before the trial ends"
            yield Finding(key, what, "recruit until an earlier day, or tell them how long it lasts for them")


def small_cells(protocol: Protocol) -> Iterator[Finding]:
    if protocol.privacy.minimum_cell < 10:
        yield Finding(
            ("privacy", "minimum_cell"),
            f"is {protocol.privacy.minimum_cell}, below the usual 10",
            "weigh it with the DPO",
        )


def secondary_planned(protocol: Protocol) -> Iterator[Finding]:
    planned = planned_outcomes(protocol)
    for place, code in enumerate(protocol.analysis.secondary):
        if code not in planned:
            yield Finding(
                ("analysis", "secondary", place), f"{code!r} is in no analysis of the plan", "plan it, or leave it out"
            )


def households_left_out(protocol: Protocol) -> Iterator[Finding]:
    """People of one household are drawn together; a standard error of single persons does not know."""
    plan = protocol.analysis.plan
    for place, item in enumerate(plan.analyses):
        se = str(getattr(item, "se", ""))
        if plan.data.get("cluster") and (se.startswith("HC") or se in ("classical", "neyman")):
            yield Finding(
                ("analysis", "plan", "analyses", place, "se"),
                f"is {se}, which leaves the {plan.data['cluster']} out: its intervals may be too narrow",
                "write CR2, or keep it on purpose",
            )


def same_content(protocol: Protocol) -> Iterator[Finding]:
    seen: dict[object, str] = {}
    for place, arm in enumerate(protocol.arms):
        content = tuple(sorted(arm.provisions, key=lambda provision: provision.kind))
        if content in seen:
            yield Finding(
                ("arms", place, "provisions"),
                f"are those of arm {seen[content]!r}",
                "check that the arms differ on purpose",
            )
        seen[content] = arm.code


def plain_dutch(protocol: Protocol) -> Iterator[Finding]:
    for place, arm in enumerate(protocol.arms):
        texts = arm.texts.nl
        for name in ("changes", "stays", "earn", "stop"):
            yield from _plain(getattr(texts, name), ("arms", place, "texts", "nl", name))
    for place, purpose in enumerate(protocol.consent.purposes):
        yield from _plain(purpose.text.nl, ("consent", "purposes", place, "text", "nl"))
    for place, check in enumerate(protocol.eligibility):
        yield from _plain(check.question.nl, ("eligibility", place, "question", "nl"))


def _plain(text: str, key: Key) -> Iterator[Finding]:
    for sentence in re.split(r"(?<=[.!?:])\s+", text.strip()):
        words = re.findall(r"[\w'’€-]+", sentence)
        if len(words) > LONGEST_SENTENCE:
            start = " ".join(words[:5])
            yield Finding(
                key, f"has a sentence of {len(words)} words ('{start} ...')", f"{LONGEST_SENTENCE} at most for B1"
            )
    for word in HARD_WORDS:
        if re.search(rf"\b{word}", text, re.IGNORECASE):
            yield Finding(key, f"uses the hard word {word!r}", "say it in plain words")


RULES = (
    arms_large_enough,
    coaches_enough,
    contacts_promised,
    few_strata,
    hidden_blocks,
    intensification_alone,
    embargo_after_end,
    waves_for_all,
    disregard_outlasts,
    small_cells,
    secondary_planned,
    households_left_out,
    same_content,
    plain_dutch,
)
