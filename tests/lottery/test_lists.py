import csv
import stat
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomization.lottery.lists import Expected, numbered, read_clinicedc, read_redcap, to_redcap
from randomization.lottery.sequential import announce, places_of, seal
from tests.lottery import vectors
from tests.lottery.conftest import design_of
from trialmgr.core.errors import BadInput

HEADER = "redcap_randomization_number,redcap_randomization_group"


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "list.csv"
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_redcap_table_keeps_its_order_within_each_stratum(table):
    text = f"{HEADER},city,age\n9,1,north,1\n,2,south,2\n9,2,north,1\nx-3,1,north,1\n"
    places = read_redcap(table(text), Expected(arms={"1": "control", "2": "coach"}))
    assert places.columns == ("city", "age")
    assert places.sequence("north", "1") == ("control", "coach", "control")
    assert [place.number for place in places.places] == [1, 1, 2, 3]
    assert [place.label for place in places.places] == ["9", "", "9", "x-3"]


def test_columns_without_a_name_are_notes(table):
    text = f"{HEADER},city,,\n1,1,north,free text,\n2,2,north,,more\n"
    assert read_redcap(table(text)).sequence("north") == ("1", "2")


@pytest.mark.parametrize("count", [0, 2, 14])
def test_up_to_fourteen_stratum_columns(table, count):
    names = "".join(f",s{n}" for n in range(count))
    places = read_redcap(table(f"{HEADER}{names}\n1,1{',a' * count}\n"))
    assert places.sequence(*["a"] * count) == ("1",)


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        ("", {}, "list.csv: is empty"),
        (f"{HEADER},city\n", {}, "list.csv: has no rows: give a row for each place"),
        (
            "redcap_randomization_number,city\n1,north\n",
            {},
            "list.csv:1: column 'redcap_randomization_group'",
        ),
        (f"{HEADER},city\n1,1,north\n2,,north\n", {}, "list.csv:3: group is empty"),
        (f"{HEADER},city\n1,1,north\n2,3,north\n", {"arms": {"1": "a", "2": "b"}}, "list.csv:3: group '3' is not def"),
        (
            f"{HEADER},city\n1,1,north\n2,1,east\n",
            {"strata": {"city": ["north"]}},
            "list.csv:3: city 'east' is not",
        ),
        (f"{HEADER},city\n1,1,\n", {}, "list.csv:2: city is empty"),
        (f"{HEADER}\n1,1\n", {"strata": {"city": ["north"]}}, "list.csv:1: column 'city' is missing"),
        (HEADER + "".join(f",s{n}" for n in range(15)) + "\n", {}, "list.csv:1: has 15 stratum columns: keep 14"),
        (f"{HEADER},city\n1,1\n", {}, "list.csv:2: has 2 cells for 3 columns"),
    ],
)
def test_bad_redcap_tables_are_refused_with_the_row(table, text, expected, message):
    with pytest.raises(BadInput) as refused:
        read_redcap(table(text), Expected.model_validate(expected))
    assert str(refused.value).startswith(message)


def test_a_clinicedc_list_is_read(table):
    places = read_clinicedc(table("sid,assignment,site_name\n1,active,north\n2,placebo,south\n3,placebo,north\n"))
    assert places.sequence("north") == ("active", "placebo")
    assert places.columns == ("site_name",)


def test_a_clinicedc_list_may_have_more_strata(table):
    places = read_clinicedc(table("sid,assignment,site_name,sex\n1,active,north,f\n2,placebo,north,m\n"))
    assert places.sequence("north", "m") == ("placebo",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sid,assignment,site_name\n", "list.csv: has no rows"),
        (
            "sid,arm,site_name\n1,active,north\n",
            "list.csv:1: column 'assignment' is missing: found sid, arm,",
        ),
        ("sid,assignment,site_name\n1,active,north\n1,placebo,north\n", "list.csv:3: sid '1' stands twice"),
        ("sid,assignment,site_name\n,active,north\n", "list.csv:2: sid is empty"),
        ("sid,assignment,site_name\n1,drug,north\n", "list.csv:2: group 'drug' is not defined: use one of active"),
        ("sid,assignment,site_name\n1,active,east\n", "list.csv:2: site_name 'east' is not defined: use one of north"),
    ],
)
def test_bad_clinicedc_lists_are_refused_with_the_row(table, text, message):
    expected = Expected(arms={"active": "active", "placebo": "placebo"}, sites=("north", "south"))
    with pytest.raises(BadInput) as refused:
        read_clinicedc(table(text), expected)
    assert str(refused.value).startswith(message)


cells = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.tuples(cells, cells), cells, cells), min_size=1, max_size=12))
def test_what_is_exported_is_imported_unchanged(tmp_path_factory, rows):
    def nfc(*names):
        return tuple(unicodedata.normalize("NFC", name) for name in names)

    rows = [(nfc(*stratum), *nfc(arm, label)) for stratum, arm, label in rows]
    places = numbered(("city", "age"), rows)
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    path.write_text(to_redcap(places), "utf-8")
    assert read_redcap(path) == places


def test_a_sealed_lottery_can_be_exported_for_another_system(lottery, tmp_path):
    places, design, record = tmp_path / "places.csv", tmp_path / "design.yaml", tmp_path / "record.json"
    places.write_text("stratum,slots\nnorth|young,6\nnorth|old,4\n")
    design.write_text("arms: [control, coach]\nmethod: blocks\nmode: sequential\n")
    lottery("commit", places, design, "--out", record)
    lottery("draw", places, design, "--beacon", vectors.BEACON, "--out", record)
    out = tmp_path / "redcap.csv"
    assert lottery("export", record, "--out", out, "--columns", "city,age")[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    listed = read_redcap(out)
    assert listed.columns == ("city", "age")
    assert len(listed.sequence("north", "young")) == 6
    code, _, err = lottery("export", record, "--out", out, "--columns", "city,age,sex")
    assert (code, err) == (2, "columns: stratum 'north|old' has 2 parts: name each part\n")


def test_the_exported_arms_are_those_of_the_seals():
    record = announce({"north": 9}, design_of("blocks", mode="sequential"), vectors.SECRET)
    sealed = seal(record, vectors.SECRET, vectors.BEACON)
    arms = places_of(sealed, vectors.SECRET)["north"]
    assert abs(arms.count("coach") - arms.count("control")) <= 2
    assert len(arms) == 9


def test_the_command_imports_a_list(lottery, table, tmp_path):
    path = table(f"{HEADER},city\n7,1,north\n8,2,north\n")
    expected = tmp_path / "expected.yaml"
    expected.write_text("arms: {'1': control, '2': coach}\nstrata: {city: [north, south]}\n")
    out = tmp_path / "out.csv"
    words = ("import-list", path, "--format", "redcap", "--expected", expected, "--out", out)
    assert lottery(*words) == (0, "2 places in 1 strata\n", "")
    with out.open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"city": "north", "place": "1", "label": "7", "arm": "control"},
            {"city": "north", "place": "2", "label": "8", "arm": "coach"},
        ]


def test_nothing_is_stored_of_a_bad_list(lottery, table, tmp_path):
    out = tmp_path / "out.csv"
    path = table(f"{HEADER},city\n7,1,north\n8,,north\n")
    assert lottery("import-list", path, "--format", "redcap", "--out", out) == (
        2,
        "",
        "list.csv:3: group is empty: fill it in\n",
    )
    assert not out.exists()


def test_advice_before_the_draw(lottery, files):
    code, out, _ = lottery("advise", files["units.csv"], files["design.yaml"], "--language", "nl")
    assert code == 0
    assert out.startswith("Er zijn 2 groepen: control en coach.")
    assert "! 0 van de 2 strata" in out
