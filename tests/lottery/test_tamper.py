"""Whatever is changed in a record is found, and the message names it."""

import json
from pathlib import Path
from subprocess import run
from sys import executable

import pytest

from randomization.lottery.design import Design
from randomization.lottery.sequential import announce, reveal, seal
from randomization.lottery.stream import commitment_of, lines_hash
from randomization.lottery.verify import Difference, check
from tests.lottery import vectors
from tests.lottery.conftest import DESIGNS, design_of, drawn_record, rows_for

VERIFIER = Path(__file__).parents[2] / "randomization" / "lottery" / "verify.py"


@pytest.fixture
def record():
    return json.loads(drawn_record(Design.from_params(vectors.PARAMS), vectors.UNITS).to_json())


def unit(record):
    record["units"][4][0] = "u05x"


def unit_in_all_places(record):
    record["units"][4][0] = record["result"][4][0] = "u05x"


def unit_removed(record):
    del record["units"][4], record["result"][4]


def unit_added(record):
    record["units"].append(["u13", "north"])
    record["result"].append(["u13", "north", "coach"])


def unit_twice(record):
    record["units"].insert(4, record["units"][4])


def list_rehashed(record):
    unit_in_all_places(record)
    record["list_hash"] = lines_hash(record["units"])


def stratum(record):
    record["units"][4][1] = "south"


def ratio(record):
    record["params"]["ratio"] = [2, 1]


def renamed_arm(record):
    record["params"]["arms"] = ["control", "money"]


def arm(record):
    record["result"][4][2] = "control"


def arm_rehashed(record):
    arm(record)
    record["result_hash"] = lines_hash(record["result"])


def beacon(record):
    record["beacon"] = "9998" + record["beacon"][4:]


def beacon_form(record):
    record["beacon"] = record["beacon"].upper()


def event(record):
    record["event"] = "10000"


def secret(record):
    record["secret"] = "00" * 32


def secret_recommitted(record):
    record["secret"] = "00" * 32
    record["commitment"] = commitment_of(bytes(32))


def seed(record):
    record["seed"] = "00" * 32


def order_of_list(record):
    record["units"][3:5] = record["units"][4:2:-1]


def order_of_result(record):
    record["result"][3:5] = record["result"][4:2:-1]


def result_hash(record):
    record["result_hash"] = "00" * 32


def version(record):
    record["version"] = "VLOT-2"


def tab(record):
    record["units"][4] = ["u05\tnorth\nu06", "south"]


def beacon_removed(record):
    arm_rehashed(record)
    del record["beacon"]


def result_alone(record):
    arm_rehashed(record)
    for key in ("beacon", "secret", "seed"):
        del record[key]


NAMED = {
    unit: "list: u05x in north",
    unit_in_all_places: "list: a unit or a stratum",
    unit_removed: "list: a unit or a stratum",
    unit_added: "list: a unit or a stratum",
    unit_twice: "list: u05 stands twice",
    list_rehashed: "seed: ",
    stratum: "list: u05 in south",
    ratio: "params: an arm, the ratio",
    renamed_arm: "params: an arm",
    arm: "result line 5: u05: the draw gives coach, the record says control",
    arm_rehashed: "result line 5: u05: the draw gives coach, the record says control",
    beacon: "seed: is not made of this secret, list and beacon",
    beacon_form: "beacon: is malformed",
    event: "beacon: is malformed, or not of the announced event",
    secret: "secret: is another one",
    secret_recommitted: "seed: is not made of this secret",
    seed: "seed: is not made of",
    order_of_list: "list: u04 stands twice or out of order, after u05",
    order_of_result: "list: u04 in north stands where the result has ['u05', 'north']",
    result_hash: "result_hash: ",
    version: "version: ",
    beacon_removed: "secret, seed, result, result_hash: cannot be there without a beacon",
    result_alone: "result, result_hash: cannot be there without a beacon",
    tab: "list: 'u05\\tnorth\\nu06' holds a TAB",
}


def test_an_honest_record_is_verified(record):
    check(record)


@pytest.mark.parametrize("tamper", NAMED, ids=lambda tamper: tamper.__name__)
def test_a_change_is_found_and_named(record, tamper):
    tamper(record)
    with pytest.raises(Difference) as found:
        check(record)
    assert str(found.value).startswith(NAMED[tamper])


@pytest.mark.parametrize("key", ["params_hash", "list_hash", "commitment", "event"])
def test_a_consistent_record_that_differs_from_the_published_one_is_found(record, key):
    published = {name: record[name] for name in ("version", "params", "params_hash", "list_hash", "commitment")}
    check(record, published)
    with pytest.raises(Difference, match=f"^{key}: is not what was published"):
        check(record, published | {key: "9999"})


PUBLISHED = ("version", "params", "params_hash", "units", "list_hash", "commitment")


def test_a_list_that_is_not_drawn_yet_is_told_from_a_draw(record):
    assert check(record) == "12 units drawn again, same groups"
    assert check({key: record[key] for key in PUBLISHED}) == "list and commitment; not drawn yet"


def test_the_later_record_goes_on_where_the_earlier_one_was(record):
    published = {key: record[key] for key in PUBLISHED}
    check(record, published)
    with pytest.raises(Difference, match=r"^beacon: is not what was published"):
        check(published, record)
    beacon_removed(forged := json.loads(json.dumps(record)))
    with pytest.raises(Difference, match="cannot be there without a beacon"):
        check(forged, published)


def test_a_place_that_was_given_out_stays_with_its_unit():
    design = design_of("blocks", mode="sequential")
    sealed = seal(announce({"north": 8}, design, vectors.SECRET, event="9999"), vectors.SECRET, vectors.BEACON)
    one, _ = reveal(sealed, vectors.SECRET, unit="a", stratum="north")
    two, _ = reveal(one, vectors.SECRET, unit="b", stratum="north")
    first, second = json.loads(one.to_json()), json.loads(two.to_json())
    assert check(second, first).startswith("2 places given out")
    second["revealed"][0][2] = "c"
    assert check(second)
    with pytest.raises(Difference, match=r"^revealed: is not what was published"):
        check(second, first)


def test_a_batch_is_no_row_of_sealed_places(record, tmp_path):
    """With its secret removed and empty places added, a forged result must not pass as a lottery one by one."""
    arm_rehashed(record)
    del record["secret"]
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record | {"strata": [], "slots": {}, "revealed": []}))
    assert bare(path).returncode == 1


@pytest.mark.parametrize("name", DESIGNS)
def test_every_method_is_replayed_and_a_changed_arm_found(name):
    design = design_of(name)
    record = json.loads(drawn_record(design, rows_for(design)).to_json())
    check(record)
    line = record["result"][7]
    line[2] = "coach" if line[2] == "control" else "control"
    with pytest.raises(Difference, match=r"result line 8: h008"):
        check(record)


@pytest.mark.parametrize("name", ["range", "variance"])
def test_a_changed_score_is_found(name):
    design = design_of(name)
    record = json.loads(drawn_record(design, rows_for(design)).to_json())
    record["log"][5][1][0] += 1
    with pytest.raises(Difference, match="log"):
        check(record)


def test_a_changed_attempt_is_found():
    design = design_of("mahalanobis", balance={"mahalanobis": ["sex", "age"], "max": 0.05})
    record = json.loads(drawn_record(design, rows_for(design)).to_json())
    assert record["attempt"] > 0
    record["attempt"] = 0
    with pytest.raises(Difference, match="attempt"):
        check(record)


def bare(*paths):
    return run([executable, "-I", "-S", VERIFIER, *paths], capture_output=True, text=True, check=False)


def test_the_bare_verifier_needs_no_package(record, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record))
    found = [f"{key} {record[key]}" for key in ("params_hash", "list_hash", "commitment", "result_hash")]
    told = "\n".join(["verified: 12 units drawn again, same groups", *found, ""])
    assert (bare(path).returncode, bare(path).stdout) == (0, told)
    arm(record)
    path.write_text(json.dumps(record))
    assert (bare(path).returncode, bare(path).stdout) == (1, NAMED[arm] + "\n")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": "VLOT-1"}', '{"version": "VLOT-1", "params": 1}'])
def test_the_bare_verifier_refuses_what_is_no_record(text, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(text)
    assert bare(path).returncode == 1
    assert "verified" not in bare(path).stdout
    assert bare(path).stderr == ""


def test_the_bare_verifier_is_short_enough_to_read_aloud():
    assert len(VERIFIER.read_text().splitlines()) < 200
