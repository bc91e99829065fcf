"""`protocol check`, as a project leader runs it."""

import re
from io import StringIO

import pytest
from django.core.management import call_command

from trialmgr.protocol.reading import PRESETS

TILBURG = (PRESETS / "tilburg.yaml").read_text("utf-8")


def run(*arguments):
    """Exit code, standard output and standard error of the command."""
    out, err = StringIO(), StringIO()
    try:
        call_command("protocol", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return ended.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_good_file_gives_a_summary(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(TILBURG, "utf-8")
    code, out, err = run("check", str(mine))
    assert (code, err) == (0, "")
    assert out.startswith("mine.yaml is valid.\n")
    assert "the 2017 decree, 2018-01-01 to 2019-12-31 (24 months)" in out
    assert "coaching_disregard: intensification, disregard, bonus; 200 persons" in out
    assert "Not known, so chosen in this file (11):" in out


def test_remarks_are_shown_beside_the_summary():
    code, out, _ = run("check", "deventer")
    assert code == 0
    assert "Worth a second look (9):\n  deventer.yaml:61: arms.0: 'exemption' will have about 91 persons" in out


def test_ten_mistakes_give_ten_lines_each_with_its_place_and_remedy(tmp_path):
    text = TILBURG
    for old, new in (
        ("name: {nl: Vertrouwensexperiment Tilburg, en: Tilburg trust experiment}", "name: Tilburg"),
        ("regime: decree_2017", "regime: decree2017"),
        ("start: 2018-01-01", "start: 1-1-2018"),
        ("entry: rolling", "entry: rolling in"),
        ("{self_direction: 1, coaching: 1,", "{self_direction: 1, coachng: 1,"),
        ("max_months: 24", "max_month: 24"),
        ("low: 100, high: 125}", "low: 125, high: 100}"),
        ("unit: household #", "unit: family #"),
        ("primary: [exit_24, wellbeing_end]", "primary: [exit24, wellbeing_end]"),
        ("minimum_cell: 10", "minimum_cell: ten"),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    mine = tmp_path / "mine.yaml"
    mine.write_text(text, "utf-8")
    code, out, err = run("check", str(mine))
    assert (code, out) == (2, "")
    lines = err.strip().splitlines()
    places = [re.match(r"mine\.yaml:(\d+): ([\w.]+): .+", line) for line in lines]
    assert all(places), lines
    numbers = [int(place[1]) for place in places]
    assert numbers == sorted(numbers)
    keys = {place[2] for place in places}
    assert keys == {
        "name",
        "legal.regime",
        "start",
        "rounds.0.entry",
        "rounds.0.ratio.coachng",
        "arms.1",
        "arms.0.provisions.1.max_months",
        "arms.0.provisions.1.max_month",
        "arms.0.caseload.low",
        "allocation.unit",
        "analysis.primary.0",
        "privacy.minimum_cell",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("protocol: 1\ncode: [", "mine.yaml:2: is not valid YAML"),
        ("protocol: 1\nprotocol: 1\n", "mine.yaml:2: has the key 'protocol' twice: keep one"),
        ("", "mine.yaml:1: is empty"),
        ("- a\n", "mine.yaml:1: is not a group of keys"),
    ],
)
def test_what_is_no_protocol_at_all_gets_one_line(tmp_path, text, said):
    mine = tmp_path / "mine.yaml"
    mine.write_text(text, "utf-8")
    code, _, err = run("check", str(mine))
    assert code == 2
    assert err.startswith(said), err
    assert err.count("\n") == 1


def test_an_unknown_name_lists_the_presets():
    code, _, err = run("check", "nowhere")
    assert code == 2
    assert err == (
        "nowhere: is no file and no preset: give a file, or one of "
        "deventer, groningen, nijmegen, oss, template, tilburg, utrecht, wageningen\n"
    )


def test_loading_without_the_office_says_how():
    code, _, err = run("load", "tilburg", "--by", "leader@tilburg.example")
    assert code == 2
    assert err == "protocol load: needs the database: run it with TRIALMGR_PROCESS=office\n"
