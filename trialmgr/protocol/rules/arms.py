"""Each arm is one thing, and the arms differ."""

from collections.abc import Iterator

from trialmgr.protocol.rules.finding import Finding
from trialmgr.protocol.schema import Choice, Protocol


def nothing_stands_alone(protocol: Protocol) -> Iterator[Finding]:
    for place, arm in enumerate(protocol.arms):
        if "none" in arm.kinds and len(arm.provisions) > 1:
            yield Finding(
                ("arms", place, "provisions"), "hold none beside another provision", "leave out none, or the other"
            )


def provisions_once(protocol: Protocol) -> Iterator[Finding]:
    for place, arm in enumerate(protocol.arms):
        if len(arm.kinds) < len(arm.provisions):
            yield Finding(("arms", place, "provisions"), "hold the same kind twice", "keep one of each kind")


def choices(protocol: Protocol) -> Iterator[Finding]:
    by_code = {arm.code: arm for arm in protocol.arms}
    for arm_place, arm in enumerate(protocol.arms):
        for place, provision in enumerate(arm.provisions):
            if not isinstance(provision, Choice):
                continue
            key = ("arms", arm_place, "provisions", place)
            if len(arm.provisions) > 1:
                yield Finding(
                    (*key, "kind"), "is a choice beside another provision", "let the arm hold the choice only"
                )
            for at, option in enumerate(provision.options):
                if option not in by_code:
                    yield Finding(
                        (*key, "options", at), f"{option!r} is no arm of this protocol", "name a treatment arm"
                    )
                elif by_code[option].kinds & {"none", "choice"}:
                    yield Finding((*key, "options", at), f"{option!r} has nothing to choose", "name a treatment arm")


def comparator_is_ordinary(protocol: Protocol) -> Iterator[Finding]:
    comparator = protocol.analysis.comparator
    arm = next((arm for arm in protocol.arms if arm.code == comparator), None)
    key = ("analysis", "comparator")
    if arm is None:
        arms = ", ".join(arm.code for arm in protocol.arms)
        yield Finding(key, f"{comparator!r} is no arm of this protocol", f"write one of {arms}")
    elif arm.kinds != {"none"}:
        yield Finding(key, f"{comparator!r} is an arm with provisions", "name the arm with kind: none")


def caseload_bands(protocol: Protocol) -> Iterator[Finding]:
    for place, arm in enumerate(protocol.arms):
        if arm.caseload.low > arm.caseload.high:
            yield Finding(
                ("arms", place, "caseload", "low"),
                f"is {arm.caseload.low}, above high: {arm.caseload.high}",
                "give the smaller number first",
            )


RULES = (nothing_stands_alone, provisions_once, choices, comparator_is_ordinary, caseload_bands)
