import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from subprocess import run
from sys import executable

import pytest

from randomization.lottery.allocate import sequence
from randomization.lottery.record import Record
from randomization.lottery.sequential import NoPlaceLeft, announce, close, reveal, seal
from randomization.lottery.stream import Lots
from randomization.lottery.verify import Difference, check
from tests.lottery import vectors
from tests.lottery.conftest import design_of
from trialmgr.core.errors import BadInput

SECRET = vectors.SECRET
PLACES = {"north": 8, "south": 3}


def sealed(name="blocks"):
    design = design_of(name, mode="sequential")
    return seal(announce(PLACES, design, SECRET, event="9999"), SECRET, vectors.BEACON)


def given(record, *units, stratum="north"):
    places = []
    for unit in units:
        record, place = reveal(record, SECRET, unit=unit, stratum=stratum)
        places.append(place)
    return record, places


def data(record):
    return json.loads(record.to_json())


@pytest.mark.parametrize("name", ["blocks", "simple", "efron", "big stick"])
def test_the_kth_unit_gets_the_kth_arm(name):
    record, places = given(sealed(name), *"abcdefgh")
    closed = close(record, SECRET)
    lots = Lots(bytes.fromhex(closed.seed))
    assert [place.arm for place in places] == sequence(record.params, "north", 8, lots)
    assert closed.result[0] == ("a", "north", places[0].arm)
    check(data(closed))


def test_each_stage_can_be_checked():
    record = sealed()
    check(data(record))
    record, _ = given(record, "a", "b")
    check(data(record))
    check(data(close(record, SECRET)))


def test_a_sealed_record_says_nothing_of_any_arm():
    record, [place] = given(sealed(), "a")
    text = record.to_json()
    assert record.secret is record.seed is record.result is None
    assert SECRET.hex() not in text
    assert text.count(place.arm) == 1 + (place.arm in json.dumps(record.params))


def test_a_seal_does_not_depend_on_the_arm_alone():
    seals = [seal for row in sealed().slots.values() for seal in row]
    assert len(set(seals)) == len(seals) == 11


def test_asking_again_gives_the_same_place():
    record, places = given(sealed(), "a", "b", "a")
    assert places[0] == places[2]
    assert len(record.revealed) == 2


def test_a_unit_cannot_try_another_stratum():
    record, _ = given(sealed(), "a")
    with pytest.raises(BadInput, match="'a' has a place in north"):
        reveal(record, SECRET, unit="a", stratum="south")


def test_the_end_of_the_list_is_said():
    record, _ = given(sealed(), "a", "b", "c", stratum="south")
    with pytest.raises(NoPlaceLeft, match="south: all 3 places are given out"):
        reveal(record, SECRET, unit="d", stratum="south")


@pytest.mark.parametrize(
    ("unit", "stratum", "message"),
    [("", "north", "unit: is empty"), ("a\tb", "north", "holds a TAB"), ("a", "east", "use one of north, south")],
)
def test_bad_requests_are_refused(unit, stratum, message):
    with pytest.raises(BadInput, match=message):
        reveal(sealed(), SECRET, unit=unit, stratum=stratum)


def test_a_wrong_secret_opens_nothing():
    with pytest.raises(BadInput, match="secret: is not the one committed to"):
        reveal(sealed(), bytes(32), unit="a", stratum="north")


def test_nothing_is_given_out_before_the_draw_or_after_the_close():
    published = announce(PLACES, design_of("blocks", mode="sequential"), SECRET)
    with pytest.raises(BadInput, match="is not drawn yet"):
        reveal(published, SECRET, unit="a", stratum="north")
    with pytest.raises(BadInput, match="is closed"):
        reveal(close(sealed(), SECRET), SECRET, unit="a", stratum="north")


def wrong_arm(record):
    record["revealed"][1][3] = "control" if record["revealed"][1][3] == "coach" else "coach"


def out_of_turn(record):
    record["revealed"].reverse()


def passed_over(record):
    del record["revealed"][0]


def another_seal(record):
    record["slots"]["north"][1] = "00" * 32


def two_places_for_one(record):
    record["revealed"][1][2] = "a"


@pytest.mark.parametrize("tamper", [wrong_arm, out_of_turn, passed_over, another_seal, two_places_for_one])
@pytest.mark.parametrize("closed", [False, True])
def test_a_changed_reveal_is_found(tamper, closed):
    record, _ = given(sealed(), "a", "b")
    record = data(close(record, SECRET) if closed else record)
    tamper(record)
    with pytest.raises(Difference, match=r"^revealed: "):
        check(record)


def test_more_places_or_another_stratum_are_found():
    record = data(sealed())
    record["strata"][1][1] = 4
    with pytest.raises(Difference, match=r"^list: "):
        check(record)


@pytest.mark.parametrize("number", [0, -1, 10_000_000])
def test_the_number_of_places_is_checked(number):
    with pytest.raises(BadInput, match=f"stratum north: has {number} places"):
        announce({"north": number}, design_of("blocks", mode="sequential"), SECRET)


@pytest.fixture
def sealed_file(lottery, tmp_path):
    places, design, record = tmp_path / "places.csv", tmp_path / "design.yaml", tmp_path / "record.json"
    places.write_text("stratum,slots\nnorth,60\nsouth,5\n")
    design.write_text("arms: [control, coach]\nmethod: blocks\nmultipliers: [1, 2]\nmode: sequential\n")
    assert lottery("commit", places, design, "--out", record)[0] == 0
    assert lottery("draw", places, design, "--beacon", vectors.BEACON, "--out", record)[:2] == (0, "65 places sealed\n")
    return record


def test_the_command_reveals_slot_by_slot(lottery, sealed_file):
    code, out, _ = lottery("reveal-slot", sealed_file, "--unit", "a", "--stratum", "north")
    assert code == 0
    assert out.startswith("north 1 a ")
    assert lottery("reveal-slot", sealed_file, "--unit", "a", "--stratum", "north")[1] == out
    assert lottery("verify", sealed_file)[1].startswith("verified: 1 places given out, as their seals say")
    assert lottery("close", sealed_file)[0] == 0
    assert lottery("verify", sealed_file)[1].startswith("verified: 1 units drawn again")
    assert lottery("reveal-slot", sealed_file, "--unit", "b", "--stratum", "north")[0] == 2


def test_requests_at_the_same_moment_get_consecutive_places(sealed_file):
    """Four processes at once: no place twice, none skipped."""
    words = [executable, "manage.py", "lottery", "reveal-slot", str(sealed_file), "--stratum", "north", "--unit"]
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda n: run([*words, f"u{n}"], capture_output=True, check=False), range(4)))
    assert Counter(job.returncode for job in jobs) == {0: 4}
    record = Record.from_json(sealed_file.read_text())
    assert [entry[1] for entry in record.revealed] == list(range(1, 5))
    assert {entry[2] for entry in record.revealed} == {f"u{n}" for n in range(4)}
    check(data(record))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stratum,slots\nnorth,many\n", "places.csv:2: slots is 'many': write a whole number"),
        ("stratum,slots\nnorth,3\nnorth,4\n", "places.csv:3: stratum 'north' stands twice: give each once"),
        ("stratum\nnorth\n", "places.csv:1: column 'slots' is missing: found stratum"),
    ],
)
def test_a_bad_list_of_places_is_refused(lottery, tmp_path, text, message):
    (tmp_path / "places.csv").write_text(text)
    (tmp_path / "design.yaml").write_text("arms: [a, b]\nmethod: blocks\nmode: sequential\n")
    words = (tmp_path / "places.csv", tmp_path / "design.yaml", "--out", tmp_path / "record.json")
    assert lottery("commit", *words) == (2, "", message + "\n")
    assert not (tmp_path / "record.json").exists()
