"""Remarks: what is allowed but asks for a second look. They do not stop a protocol."""

import re
from collections.abc import Iterator

from trialmgr.core.documents import Key
from trialmgr.protocol.rules.finding import Finding, each_provision
from trialmgr.protocol.rules.law import months_after, rules_of
from trialmgr.protocol.rules.measuring import planned_outcomes
from trialmgr.protocol.schema import Disregard, Intensification, Protocol

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


def embargo_after_end(protocol: Protocol) -> Iterator[Finding]:
    if protocol.embargo.until < protocol.end:
        yield Finding(
            ("embargo", "until"), f"is {protocol.embargo.until}, before the trial ends", "wait for the last measurement"
        )


def disregard_outlasts(protocol: Protocol) -> Iterator[Finding]:
    for arm_place, place, given in each_provision(protocol):
        if isinstance(given, Disregard) and months_after(protocol.start, given.max_months - 1) > protocol.end:
            yield Finding(
                ("arms", arm_place, "provisions", place, "max_months"),
                f"is {given.max_months}, longer than the trial",
                "promise no more months than there are",
            )


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
    disregard_outlasts,
    small_cells,
    secondary_planned,
    same_content,
    plain_dutch,
)
