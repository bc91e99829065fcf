"""A protocol file is read whole: every fault with its line, at once; a good one is fixed in one form."""

import copy
import json

import pytest
from django.utils import translation

from trialmgr.core.documents import Document, parse_document
from trialmgr.core.errors import BadInput, DomainError
from trialmgr.protocol.reading import PRESETS, canonical, check, load_protocol, restore, sha256
from trialmgr.protocol.schema import Protocol

TILBURG = (PRESETS / "tilburg.yaml").read_text("utf-8")


def changed(*swaps):
    """The Tilburg file with pieces of text swapped."""
    text = TILBURG
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(text, piece):
    return text[: text.index(piece)].count("\n") + 1


def test_a_preset_is_found_by_its_name():
    protocol = load_protocol("tilburg")
    assert protocol.code == "tilburg"
    assert [arm.code for arm in protocol.arms] == ["self_direction", "coaching", "coaching_disregard", "control"]
    assert protocol.control.kinds == {"none"}


def test_a_file_of_the_leader_is_read_by_its_path(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(TILBURG.replace("code: tilburg\n", "code: mine\n", 1), "utf-8")
    assert load_protocol(mine).code == "mine"


def test_an_unknown_name_is_bad_input():
    with pytest.raises(BadInput, match=r"nowhere: is no file and no preset: give a file, or one of deventer, "):
        load_protocol("nowhere")


def test_form_and_law_are_checked_in_one_run_in_the_order_of_the_file():
    text = changed(
        ("end: 2019-12-31", "end: 31-12-2019"),
        ("percent: 50", "percent: 75"),
        ("every_weeks: 4,", "every_weeks: 20,"),
        ("must_be: yes", "must_be: perhaps"),
        ("unit: household", "unit: person"),
    )
    checked = check(parse_document(text, "plan.yaml"))
    assert checked.protocol is None
    lines = [
        line_of(text, piece) for piece in ("end: 31-12", "percent: 75", "every_weeks: 20", "perhaps", "unit: person")
    ]
    keys = [
        "end",
        "arms.0.provisions.1.percent",
        "arms.1.contact.every_weeks",
        "eligibility.0.must_be",
        "allocation.unit",
    ]
    assert [fault.where for fault in checked.faults] == [
        f"plan.yaml:{line}: {key}" for line, key in zip(lines, keys, strict=True)
    ]


def test_a_broken_part_brings_no_false_faults_elsewhere():
    text = changed(("  - code: control\n", "  - kode: control\n"))
    said = [str(fault) for fault in check(parse_document(text, "plan.yaml")).faults]
    line = line_of(text, "kode: control")
    assert said == [
        f"plan.yaml:{line}: arms.3.code: is missing: add it",
        f"plan.yaml:{line}: arms.3.kode: is not a known key: remove it or check its spelling",
    ]


@pytest.mark.parametrize("text", ["", "just words", "[1, 2]", "protocol: 1\n"])
def test_something_else_than_a_protocol_is_refused(text):
    assert check(parse_document(text)).faults


def test_every_required_key_is_named_when_it_is_missing():
    required = {name for name, field in Protocol.model_fields.items() if field.is_required()}
    faults = check(parse_document("unknown: []\n")).faults
    assert {fault.where.split(": ")[1] for fault in faults} == required
    assert {fault.what for fault in faults} == {"is missing"}


def test_one_text_where_two_languages_belong_is_explained():
    text = changed(("name: {nl: Tilburg, en: Tilburg}", "name: Tilburg"))
    (fault,) = check(parse_document(text, "plan.yaml")).faults
    assert fault.what == "is one text"
    assert fault.remedy == "write it in both languages, under nl: and en:"


def test_the_canonical_form_survives_storing_and_is_the_same_for_the_same_content():
    protocol = load_protocol("tilburg")
    stored = canonical(protocol)
    assert restore(json.loads(stored)) == protocol
    assert canonical(restore(json.loads(stored))) == stored
    assert stored.isascii()
    with_comment = check(parse_document("# a comment\n" + TILBURG)).protocol
    assert with_comment is not None
    assert sha256(with_comment) == sha256(protocol)


def test_another_content_has_another_fingerprint():
    other = check(parse_document(changed(("target: 800", "target: 801")))).protocol
    assert other is not None
    assert sha256(other) != sha256(load_protocol("tilburg"))


def test_targets_follow_the_ratio_and_add_up():
    protocol = load_protocol("tilburg")
    assert protocol.targets("first") == {
        "self_direction": 200,
        "coaching": 200,
        "coaching_disregard": 200,
        "control": 200,
    }
    other = check(parse_document(changed(("target: 800", "target: 802")))).protocol
    assert other is not None
    assert list(other.targets("first").values()) == [201, 201, 200, 200]


@pytest.fixture
def english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("months", "household", "stratum"),
    [
        (0, "single", "short/alone"),
        (23, "couple", "short/family"),
        (24, "single", "medium/alone"),
        (60, "lone_parent", "long/family"),
    ],
)
def test_a_household_falls_in_one_stratum(months, household, stratum):
    allocation = load_protocol("tilburg").allocation
    assert allocation.stratum_of({"benefit_months": months, "household_type": household}) == stratum


@pytest.mark.usefixtures("english")
def test_a_household_without_a_trait_has_no_stratum():
    allocation = load_protocol("tilburg").allocation
    with pytest.raises(DomainError, match="without household_type"):
        allocation.stratum_of({"benefit_months": 3})
    with pytest.raises(DomainError, match="is in no level of the stratum factor household"):
        allocation.stratum_of({"benefit_months": 3, "household_type": "commune"})


@pytest.mark.usefixtures("english")
def test_asking_for_an_unknown_part_says_so():
    protocol = load_protocol("tilburg")
    with pytest.raises(DomainError, match="gold is not in the protocol"):
        protocol.arm("gold")
    assert protocol.wave("mid").opens_after_days == 365
    assert protocol.outcome("exit_24").measure.month == 24
    assert protocol.baseline.code == "baseline"


def places(part, at=()):
    """Every place in nested data."""
    yield at
    for step in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
        yield from places(part[step], (*at, step))


def spoilt(data, place, junk):
    """A copy of the data with junk at a place; `...` leaves the place out."""
    data = copy.deepcopy(data)
    *path, last = place
    part = data
    for step in path:
        part = part[step]
    if junk is ...:
        del part[last]
    else:
        part[last] = junk
    return data


@pytest.mark.parametrize("junk", [..., None, "", "x", -1, 2.5, True, [], {}, [None], {"a": 1}, 10**30])
def test_no_mistake_makes_the_check_itself_fail(junk):
    document = parse_document((PRESETS / "groningen.yaml").read_text("utf-8"))
    for place in list(places(document.data))[1::53]:
        checked = check(Document(document.path, spoilt(document.data, place, junk), document.lines))
        assert (checked.protocol is None) == bool(checked.faults)


def test_true_is_no_number():
    (fault,) = check(parse_document(changed(("target: 800", "target: true")), "plan.yaml")).faults
    assert fault.what == "is not a whole number, got True"
