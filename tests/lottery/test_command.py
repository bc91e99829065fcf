import json
import os
import stat

import numpy as np
import pytest

from randomization.lottery.record import Record
from randomization.lottery.redraw import Redraw
from tests.lottery import vectors


def draw(lottery, files, **changes):
    words = {"--secret-file": files["secret"], "--beacon": vectors.BEACON, "--out": files["record.json"]} | changes
    options = [word for pair in words.items() if pair[1] is not None for word in pair]
    return lottery("draw", files["units.csv"], files["design.yaml"], *options)


def folder(files):
    return sorted(path.name for path in files["units.csv"].parent.iterdir())


def test_it_draws_the_public_example(lottery, files):
    code, out, _ = draw(lottery, files)
    assert code == 0
    assert out.splitlines()[0] == "north: coach: 4 units"
    assert json.loads(files["record.json"].read_text())["result_hash"] == vectors.RESULT_HASH["blocks"]
    code, out, _ = lottery("verify", files["record.json"])
    assert (code, out.splitlines()[0]) == (0, "verified: 12 units drawn again, same groups")
    assert f"result_hash {vectors.RESULT_HASH['blocks']}" in out.splitlines()


def test_a_record_holds_what_the_contract_says_and_no_more(lottery, files):
    draw(lottery, files)
    keys = "version params params_hash units list_hash commitment beacon secret seed result result_hash"
    assert list(json.loads(files["record.json"].read_text())) == keys.split()


def test_a_published_record_tells_nothing_of_the_secret(lottery, files):
    code, out, err = lottery("commit", files["units.csv"], files["design.yaml"], "--out", files["record.json"])
    secret_file = files["record.json"].with_suffix(".secret")
    assert code == 0
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    secret = secret_file.read_text().strip()
    assert len(secret) == 64
    assert secret not in out + err + files["record.json"].read_text()
    keys = "version params params_hash units list_hash commitment"
    assert list(json.loads(files["record.json"].read_text())) == keys.split()
    code, out, _ = lottery("verify", files["record.json"])
    assert (code, out.splitlines()[0]) == (0, "verified: list and commitment; not drawn yet")


def test_commit_publish_draw_verify(lottery, files, tmp_path):
    out, published = files["record.json"], tmp_path / "published.json"
    lottery("commit", files["units.csv"], files["design.yaml"], "--out", out, "--event", "9999")
    published.write_bytes(out.read_bytes())
    assert draw(lottery, files, **{"--secret-file": None})[0] == 0
    code, said, _ = lottery("verify", out, "--published", published)
    assert (code, said.partition(":")[0]) == (0, "verified")
    other = json.loads(published.read_text()) | {"commitment": vectors.COMMITMENT}
    published.write_text(json.dumps(other))
    assert lottery("verify", out, "--published", published)[:2] == (1, "commitment: is not what was published\n")


def test_the_beacon_must_be_of_the_announced_event(lottery, files):
    lottery("commit", files["units.csv"], files["design.yaml"], "--out", files["record.json"], "--event", "10000")
    code, _, err = draw(lottery, files, **{"--secret-file": None})
    assert (code, err) == (2, "beacon: is of another event: use event 10000, which was announced\n")


def test_a_secret_made_by_draw_is_for_the_owner_only(lottery, files):
    os.umask(0)
    code, _, err = draw(lottery, files, **{"--secret-file": None})
    assert code == 0
    assert "nothing was published before this draw" in err
    assert stat.S_IMODE(files["record.json"].with_suffix(".secret").stat().st_mode) == 0o600


def test_a_secret_that_others_can_read_gets_a_warning(lottery, files):
    files["secret"].chmod(0o644)
    code, out, err = draw(lottery, files)
    assert code == 0
    assert "others on this machine can read the secret" in err
    assert vectors.SECRET_HEX not in out + err


def test_the_same_list_in_another_order_gives_the_same_file(lottery, files, tmp_path):
    draw(lottery, files)
    first = files["record.json"].read_bytes()
    lines = files["units.csv"].read_text().splitlines()
    files["units.csv"].write_text("\r\n".join([lines[0], *lines[:0:-1]]) + "\r\n", "utf-8-sig")
    draw(lottery, files, **{"--out": tmp_path / "again.json"})
    assert (tmp_path / "again.json").read_bytes() == first


def test_drawing_again_changes_nothing_and_another_secret_is_refused(lottery, files):
    draw(lottery, files)
    before = files["record.json"].read_bytes()
    assert draw(lottery, files)[0] == 0
    files["secret"].write_text("00" * 32)
    code, _, err = draw(lottery, files)
    assert (code, err.splitlines()[-1].partition(": ")[2]) == (
        2,
        "was published with another secret: draw what was published, or a new --out",
    )
    assert files["record.json"].read_bytes() == before


def test_another_beacon_for_a_drawn_list_is_refused(lottery, files):
    draw(lottery, files)
    code, _, err = draw(lottery, files, **{"--beacon": "9998" + vectors.BEACON[4:]})
    assert code == 2
    assert "is drawn already" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unit,stratum\n", "units.csv:1: has no units: give a line for each unit below the names"),
        ("", "units.csv: is empty: give a header line and a line for each unit"),
        ("stratum\nnorth\n", "units.csv:1: column 'unit' is missing: found stratum"),
        ("unit,stratum\na,n\nb,n\na,n\n", "units.csv:4: unit 'a' stands twice: it is at units.csv:2 already"),
        ("unit,stratum\na,n\n,n\n", "units.csv:3: unit: is empty: give it a name"),
        ("unit,stratum\na,\n", "units.csv:2: stratum: is empty: give it a name"),
        (
            "unit,stratum\n\na\tb,n\n",
            r"units.csv:3: unit: 'a\tb' holds a TAB or a line break: write it on one line without TAB",
        ),
        ("unit,stratum\na\n", "units.csv:2: has 1 cells for 2 columns: check its separators and quotes"),
        ('unit,stratum\n"a,n\n', "units.csv:2: is not CSV (unexpected end of data): check its quotes"),
        ("unit,unit\na,b\n", "units.csv:1: column 'unit' stands twice: give each column its own name"),
    ],
)
def test_a_bad_list_gives_one_line_and_writes_nothing(lottery, files, text, message):
    files["units.csv"].write_text(text)
    before = folder(files)
    code, out, err = draw(lottery, files, **{"--secret-file": None})
    assert (code, out, err) == (2, "", message + "\n")
    assert folder(files) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arms: [a, b]\nratio: [1, 0]\nmethod: blocks\n", "design.yaml:2: ratio.1: is 0, but must be 1 to 1000: "),
        ("arms: [a, a]\nmethod: blocks\n", "design.yaml:1: arms: arm 'a' stands twice: name each arm once"),
        ("arms: [a]\nmethod: blocks\n", "design.yaml:1: arms: "),
        ("arms: [a, b]\nratio: [1]\nmethod: blocks\n", "design.yaml:2: ratio: has 1 numbers for 2 arms: "),
        ("arms: [a, b]\nmethod: dice\n", "design.yaml:2: method: input should be 'simple', "),
        ("arms: [a, b]\nmethod: blocks\nblocks: 4\n", "design.yaml:3: blocks: is not a known key: "),
        ("arms: [a, b]\nmethod: blocks\nmultipliers: []\n", "design.yaml:3: multipliers: "),
        (
            "arms: [a, b]\nmethod: complete\nchoice: [{arm: c, options: [x, y]}]\n",
            "design.yaml:3: choice: names the unknown arm 'c': use one of a, b",
        ),
        (
            "arms: [a, b]\nmethod: minimisation\nfactors: [{column: age}]\nprobability: 1\n",
            "design.yaml:4: probability: must lie between 0 and 1: with 1 the next arm could be predicted",
        ),
        ("arms: [a, b]\nmethod: complete\nmode: sequential\n", "design.yaml:3: mode: complete needs the whole list"),
        ("arms: [a, b\n", "design.yaml:2: is not valid YAML"),
    ],
)
def test_a_bad_design_gives_its_line_and_writes_nothing(lottery, files, text, message):
    files["design.yaml"].write_text(text)
    before = folder(files)
    code, out, err = draw(lottery, files)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert folder(files) == before


@pytest.mark.parametrize("beacon", ["", "9999", "09:" + "a" * 64, "9:" + "A" * 64, "9:" + "a" * 63, "9:" + "a" * 65])
def test_a_malformed_beacon_is_refused(lottery, files, beacon):
    before = folder(files)
    code, _, err = draw(lottery, files, **{"--beacon": beacon, "--secret-file": None})
    assert code == 2
    assert err.startswith("beacon: is malformed: write round:randomness")
    assert folder(files) == before


@pytest.mark.parametrize("text", ["", "abc", vectors.SECRET_HEX.upper(), vectors.SECRET_HEX[1:], "\u00e9" * 64])
def test_a_bad_secret_file_is_refused_without_quoting_it(lottery, files, text):
    files["secret"].write_text(text)
    code, _, err = draw(lottery, files)
    assert code == 2
    assert err == "secret: does not hold a secret: it must hold 64 lower-case hex digits\n"


def test_a_missing_file_is_named(lottery, files):
    code, _, err = draw(lottery, files, **{"--secret-file": files["secret"].with_name("none")})
    assert code == 2
    assert "none: cannot be read (No such file or directory)" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("{", "", 1), "is not JSON"),
        (lambda text: text.replace('"params_hash"', '"list_hash"', 1), "has the key 'list_hash' twice"),
        (lambda text: "[]", "is not a VLOT-1 record"),
    ],
)
def test_what_is_no_record_is_not_verified(lottery, files, change, message):
    draw(lottery, files)
    files["record.json"].write_text(change(files["record.json"].read_text()))
    code, out, err = lottery("verify", files["record.json"])
    assert (code, out) == (2, "")
    assert message in err


def test_a_changed_arm_is_named(lottery, files):
    draw(lottery, files)
    text = files["record.json"].read_text()
    files["record.json"].write_text(text.replace('"u05", "north", "coach"', '"u05", "north", "control"'))
    code, out, _ = lottery("verify", files["record.json"])
    assert (code, out) == (1, "result line 5: u05: the draw gives coach, the record says control\n")


def test_semicolons_accents_and_a_missing_stratum(lottery, files):
    files["units.csv"].write_text("note;unit\nx;Ge\u0301\ny; B \n")
    assert draw(lottery, files)[0] == 0
    assert json.loads(files["record.json"].read_text())["units"] == [["B", "all"], ["G\u00e9", "all"]]


def test_persons_of_a_household_get_one_arm_and_are_counted(lottery, files):
    rows = "".join(f"p{n},h{n // 2},north\n" for n in range(16))
    files["units.csv"].write_text("person,unit,stratum\n" + rows)
    code, out, _ = draw(lottery, files)
    assert (code, out) == (0, "north: coach: 4 units, 8 persons\nnorth: control: 4 units, 8 persons\n")
    assert "p1" not in files["record.json"].read_text()


def test_a_household_in_two_strata_is_refused(lottery, files):
    files["units.csv"].write_text("person,unit,stratum\np1,h1,north\np2,h1,south\np1,h2,north\n")
    code, _, err = draw(lottery, files)
    assert code == 2
    assert err.splitlines() == [
        "units.csv:3: unit 'h1' differs from units.csv:2: a unit has one stratum and one value each",
        "units.csv:4: person 'p1' stands twice: it is at units.csv:2 already",
    ]


def test_late_entrants_are_a_batch_of_their_own(lottery, files, tmp_path):
    draw(lottery, files)
    files["units.csv"].write_text("unit,stratum\nu13,north\nu14,north\n")
    later = {"--out": tmp_path / "later.json", "--after": files["record.json"]}
    assert draw(lottery, files, **later)[0] == 0
    record = json.loads((tmp_path / "later.json").read_text())
    assert record["params"]["batch"] == 2
    assert record["params"]["after"] == vectors.RESULT_HASH["blocks"]
    assert lottery("verify", tmp_path / "later.json")[0] == 0


def test_who_was_drawn_cannot_enter_a_later_batch(lottery, files, tmp_path):
    draw(lottery, files)
    files["units.csv"].write_text("unit,stratum\nu13,north\nu05,north\n")
    code, _, err = draw(lottery, files, **{"--out": tmp_path / "later.json", "--after": files["record.json"]})
    assert (code, err) == (2, "units.csv:3: unit 'u05' was drawn in an earlier batch: take it out\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"units"', '"people"', 1), "record: is no lottery"),
        (lambda text: text.replace("VLOT-1", "VLOT-9"), "version: is not VLOT-1"),
        (lambda text: text.replace('"beacon": "', '"beacon": 1, "was": "', 1), "record: is no lottery"),
        (lambda text: "{}", "record: is no lottery"),
    ],
)
def test_a_record_that_lacks_a_part_is_not_verified(lottery, files, change, message):
    draw(lottery, files)
    files["record.json"].write_text(change(files["record.json"].read_text()))
    code, out, _ = lottery("verify", files["record.json"])
    assert code == 1
    assert out.startswith(message)


def test_a_later_batch_can_be_drawn_again_for_inference(lottery, files, tmp_path):
    draw(lottery, files)
    files["units.csv"].write_text("unit,stratum\nu13,north\nu14,north\n")
    draw(lottery, files, **{"--out": tmp_path / "later.json", "--after": files["record.json"]})
    labels = Redraw.of(Record.from_json((tmp_path / "later.json").read_text())).redraw(np.random.default_rng(1))
    assert len(labels) == 2


def test_the_secret_of_another_lottery_is_not_used_unasked(lottery, files):
    beside = files["record.json"].with_suffix(".secret")
    beside.write_text(vectors.SECRET_HEX)
    for action in (["commit"], ["draw", "--beacon", vectors.BEACON]):
        code, _, err = lottery(*action, files["units.csv"], files["design.yaml"], "--out", files["record.json"])
        assert (code, err) == (2, f"{beside}: exists already: name it with --secret-file, or move it away\n")
    assert not files["record.json"].exists()


def test_a_secret_can_be_kept_elsewhere_from_the_start(lottery, files, tmp_path):
    safe = tmp_path / "safe"
    words = (files["units.csv"], files["design.yaml"], "--out", files["record.json"], "--secret-file", safe)
    assert lottery("commit", *words)[0] == 0
    assert stat.S_IMODE(safe.stat().st_mode) == 0o600
    assert lottery("draw", *words, "--beacon", vectors.BEACON)[0] == 0


@pytest.mark.parametrize("key", ["list_hash", "params_hash"])
def test_a_published_record_with_a_wrong_hash_is_not_drawn(lottery, files, key):
    lottery("commit", files["units.csv"], files["design.yaml"], "--out", files["record.json"])
    record = json.loads(files["record.json"].read_text())
    files["record.json"].write_text(json.dumps(record | {key: "00" * 32}))
    code, _, err = draw(lottery, files, **{"--secret-file": None})
    assert code == 2
    assert err.startswith("record.json: " + ("list: " if key == "list_hash" else "params: "))


def test_a_batch_does_not_follow_a_changed_record(lottery, files, tmp_path):
    draw(lottery, files)
    text = files["record.json"].read_text().replace('"u05", "north", "coach"', '"u05", "north", "control"')
    files["record.json"].write_text(text)
    files["units.csv"].write_text("unit,stratum\nu13,north\n")
    code, _, err = draw(lottery, files, **{"--out": tmp_path / "later.json", "--after": files["record.json"]})
    assert code == 2
    assert err.startswith("record.json: result line 5: u05")


def test_a_list_of_very_many_strata_is_summed_up(lottery, files):
    files["units.csv"].write_text("unit,stratum\n" + "".join(f"u{n},s{n}\n" for n in range(300)))
    out = draw(lottery, files)[1].splitlines()
    assert len(out) == 201
    assert out[-1] == "and 100 lines more: 300 units in all"
