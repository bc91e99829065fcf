"""XLSForms, in and out."""

import csv
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from django.core.management import call_command
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import get_xlsform

from surveys.instruments.conditions import Condition
from surveys.instruments.exchange.files import import_file, workbook_bytes, workbook_csv
from surveys.instruments.exchange.xlsform_write import write_workbook
from surveys.instruments.exchange.yaml_file import to_yaml
from surveys.instruments.loading import load_instrument, pack_ids, parse_instrument
from surveys.instruments.schema import Instrument
from surveys.instruments.scoring import answers_frame, score
from trialmgr.core.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore:Unknown extension is not supported:UserWarning:openpyxl")
FORMS = Path(__file__).parent / "forms" / "xlsform"
UNSOUND = {"calculate_without_calculation.xls", "not_closed_group_test.xls", "group_name_test.xls"}
REAL = sorted(path for path in FORMS.iterdir() if path.suffix != ".md" and path.name not in UNSOUND)
SHEETS = ("survey", "choices", "settings", "external_choices")


def cells_of(path):
    book = get_xlsform(path)
    return {name: [row for row in getattr(book, name) or [] if row] for name in SHEETS}


def form(tmp_path, survey, choices=(), settings=(), name="form.xlsx"):
    book = {"survey": survey, "choices": choices, "settings": settings}
    path = tmp_path / name
    path.write_bytes(workbook_bytes({sheet: [list(row) for row in rows] for sheet, rows in book.items() if rows}))
    return path


def again(tmp_path, instrument, language=None):
    book, notes = write_workbook(instrument, language)
    path = tmp_path / "again.xlsx"
    path.write_bytes(workbook_bytes(book))
    return path, notes


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_forms_come_back_cell_by_cell(path, tmp_path):
    imported = import_file(path)
    written, notes = again(tmp_path, parse_instrument(to_yaml(imported.instrument)))
    assert cells_of(written) == cells_of(path)
    assert notes == []


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_every_row_of_a_real_form_is_carried_or_listed(path):
    imported = import_file(path)
    carried = {item.extra["xlsform"]["row"] for item in imported.instrument.items}
    carried |= {one.extra["xlsform"]["row"] for one in imported.instrument.scores}
    for group in imported.instrument.groups:
        carried |= {group.extra["xlsform"]["row"], group.extra["xlsform"]["end"]}
    listed = {int(note.split(":")[0].removeprefix("row ")) for note in imported.notes if note.startswith("row ")}
    for row, cells in enumerate(get_xlsform(path).survey, 2):
        ends = cells.get("type", cells.get("command", "")).startswith("end")
        assert not cells or row in carried | listed or ends, cells


def test_unused_columns_and_sheets_are_listed():
    notes = import_file(FORMS / "widgets.xls").notes
    assert "column 'readonly' (rows 10): kept, not used" in notes
    assert "sheet 'external_choices': kept, not used" in import_file(FORMS / "select_one_external.xlsx").notes
    assert "column 'pastel' of choices: kept, not used" in import_file(FORMS / "or_other.xlsx").notes


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("calculate_without_calculation.xls", "row 34: is not a sound XLSForm: Missing calculation."),
        ("not_closed_group_test.xls", "row 3: is not a sound XLSForm: Unmatched 'begin_group'."),
        ("group_name_test.xls", "row 3: is not a sound XLSForm: Question or group with no name."),
    ],
)
def test_real_forms_with_faults_are_refused_with_the_row(name, line):
    with pytest.raises(BadInput) as error:
        import_file(FORMS / name)
    assert str(error.value).startswith(f"{name}: {line}")


NL, EN = "label::Nederlands (nl)", "label::English (en)"


def test_settings_and_sheets_of_their_own_are_listed(tmp_path):
    survey = [["type", "name", "label"], ["text", "q", "Q"]]
    path = form(tmp_path, survey, settings=[["form_title", "style"], ["F", "pages"]])
    book = openpyxl.load_workbook(path)
    book.create_sheet("ideas").append(["later"])
    book.save(path)
    assert import_file(path).notes == (
        "setting 'style': kept, not used",
        "sheet 'ideas' is no part of an XLSForm: not carried",
    )


def test_what_no_form_has_words_for_is_listed_on_the_way_out(tmp_path):
    _, notes = again(tmp_path, load_instrument("mhi5"), "nl")
    assert notes[:2] == ["texts in en are left out", "the words above the questions (intro) are left out"]
    assert notes[2].startswith("cite with the form: Berwick")
    assert notes[3].startswith("score mhi5: a calculation has no words for reversed or recoded answers")


SURVEY = [
    [
        "type",
        "name",
        "label::Nederlands (nl)",
        "label::English (en)",
        "required",
        "relevant",
        "constraint",
        "calculation",
    ],
    ["select_one yn", "work", "Werkt u?", "Do you work?", "yes", "", "", ""],
    ["begin_group", "job", "Uw werk", "Your job", "", "${work} = '1'", "", ""],
    ["integer", "hours", "Uren", "Hours", "", "", ". >= 0 and . < 81", ""],
    ["integer", "extra", "Extra uren", "Extra hours", "", "${hours} > 30", "", ""],
    ["select_multiple days", "days", "Dagen", "Days", "", "", "", ""],
    ["text", "why", "Waarom zaterdag?", "Why Saturday?", "", "selected(${days}, 'sat') and not(${hours} < 8)", "", ""],
    ["end_group", "", "", "", "", "", "", ""],
    ["calculate", "total", "", "", "", "", "", "${hours} + ${extra}"],
    ["calculate", "atleast", "", "", "", "", "", "coalesce(${hours}, 0) + coalesce(${extra}, 0)"],
]
CHOICES = [
    ["list_name", "name", NL, EN],
    ["yn", "1", "Ja", "Yes"],
    ["yn", "0", "Nee", "No"],
    ["days", "mon", "Maandag", "Monday"],
    ["days", "sat", "Zaterdag", "Saturday"],
]
SETTINGS = [["form_title", "form_id", "version", "default_language"], ["Werk", "werk", "2.1", "Nederlands (nl)"]]


def test_a_form_is_read_for_what_it_says(tmp_path):
    imported = import_file(form(tmp_path, SURVEY, CHOICES, SETTINGS))
    instrument = imported.instrument
    assert imported.notes == ()
    assert (instrument.id, instrument.version, instrument.languages) == ("werk", "2.1", ("nl", "en"))
    items = instrument.item_by_code
    assert items["work"].text == {"nl": "Werkt u?", "en": "Do you work?"}
    assert items["work"].required
    hours = instrument.scale_of(items["hours"])
    assert (hours.kind, hours.min, hours.max) == ("integer", 0, 80)
    assert instrument.condition_of(items["extra"]) == Condition.model_validate(
        {"all": [{"item": "work", "is": 1}, {"item": "hours", "above": 30}]}
    )
    assert items["why"].when == Condition.model_validate(
        {"all": [{"item": "days", "ticked": "sat"}, {"not": {"item": "hours", "below": 8}}]}
    )
    values = score(instrument, answers_frame([instrument], [{"work": 1, "hours": 20}])).values
    assert values["atleast"][0] == 20
    assert values["total"].isna()[0]


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_a_form_comes_back_without_its_source(tmp_path, ending):
    """What is carried is in the instrument itself: it survives when all kept cells are thrown away."""
    first = import_file(form(tmp_path, SURVEY, CHOICES, SETTINGS)).instrument
    bare = Instrument.model_validate(without_extra(first.model_dump(by_alias=True)))
    book, notes = write_workbook(bare)
    path = tmp_path / f"bare{ending}"
    path.write_bytes(workbook_csv(book).encode() if ending == ".csv" else workbook_bytes(book))
    second = import_file(path).instrument
    assert notes == []
    assert without_extra(second.model_dump(by_alias=True)) == without_extra(first.model_dump(by_alias=True))


def without_extra(data):
    if isinstance(data, dict):
        return {name: without_extra(value) for name, value in data.items() if name not in ("extra", "group_by_code")}
    return [without_extra(value) for value in data] if isinstance(data, list | tuple) else data


def test_or_other_adds_the_question_that_it_stands_for():
    instrument = import_file(FORMS / "or_other.xlsx").instrument
    item = next(item for item in instrument.items if item.code.endswith("_other"))
    gate = item.when.items()[0]
    assert "other" in [option.code for option in instrument.options_of(instrument.item_by_code[gate])]
    assert item.when.holds({gate: "other"})
    assert not item.when.holds({gate: "red"})


def test_an_edit_wins_over_the_spelling_that_was_kept(tmp_path):
    survey = [[cell.replace("${hours} > 30", "${hours}>30") for cell in row] for row in SURVEY]
    data = import_file(form(tmp_path, survey, CHOICES, SETTINGS)).instrument.model_dump(by_alias=True)
    extra = next(item for item in data["items"] if item["code"] == "extra")
    extra["when"] = {"item": "hours", "at_least": 40}
    path, _ = again(tmp_path, Instrument.model_validate(data))
    rows = {row.get("name"): row for row in get_xlsform(path).survey}
    assert rows["extra"]["relevant"] == "${hours} >= 40"


@pytest.mark.parametrize("name", sorted(set(pack_ids()) - {"who5"}))
def test_shipped_instruments_become_sound_forms_and_come_back(name, tmp_path):
    instrument = load_instrument(name)
    path, notes = again(tmp_path, instrument)
    workbook_to_json(get_xlsform(path), form_name="data", warnings=[])
    twin = import_file(path).instrument
    assert twin.languages == instrument.languages
    for item in instrument.items:
        other, scale = twin.item_by_code[item.code], instrument.scale_of(item)
        assert other.text == item.text
        assert (twin.scale_of(other).kind, twin.scale_of(other).min) == (scale.kind, scale.min)
        assert twin.condition_of(other) == instrument.condition_of(item)
        for language in instrument.languages:
            if scale.choices:
                assert [(option.code, option.label[language]) for option in twin.options_of(other)] == [
                    (option.code, scale.label_of(option, language)) for option in instrument.options_of(item)
                ]
    left_out = {note.split(":")[0] for note in notes}
    for one in instrument.scores:
        assert f"score {one.id}" in left_out or one.id in {score.id for score in twin.scores}


def test_one_language_can_be_asked_for(tmp_path):
    path, _ = again(tmp_path, load_instrument("work"), "en")
    assert get_xlsform(path).survey[0]["label"] == "Do you have paid work now? A few hours count too."


def test_no_cell_becomes_a_formula(tmp_path):
    path = form(tmp_path, [["type", "name", "label"], ["text", "q", "=1+1"], ["text", "r", "@SUM(A1)"]])
    sheet = openpyxl.load_workbook(path)["survey"]
    assert (sheet["C2"].value, sheet["C2"].data_type) == ("=1+1", "s")


@pytest.mark.parametrize(
    ("content", "name", "line"),
    [
        (b"not a workbook", "f.xlsx", "f.xlsx: is not a workbook that can be read"),
        (b"not a workbook", "f.xls", "f.xls: is not a workbook that can be read"),
        (b"\xff\xfe\x00", "f.csv", "f.csv: is not UTF-8 text"),
        (b"a,b\n1,2\n", "f.csv", "f.csv: "),
        (b"", "f.csv", "f.csv: "),
        (b"x", "f.docx", "f.docx: has the ending '.docx': give a .csv, .xlsx or .xls file"),
    ],
)
def test_a_file_that_is_not_a_form_gets_a_line_and_nothing_is_written(tmp_path, content, name, line):
    (tmp_path / name).write_bytes(content)
    err = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("instrument", "import", str(tmp_path / name), "--out", str(tmp_path / "out.yaml"), stderr=err)
    assert end.value.code == 2
    assert err.getvalue().startswith(line)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 201_000_000)
    with pytest.raises(BadInput, match="unpacks to more than 200 MB"):
        import_file(path)


def test_the_command_brings_in_and_writes_out(tmp_path):
    out, err = io.StringIO(), io.StringIO()
    source, target = form(tmp_path, SURVEY, CHOICES, SETTINGS), tmp_path / "werk.yaml"
    call_command("instrument", "import", str(source), "--out", str(target), stdout=out, stderr=err)
    assert load_instrument(target).id == "werk"
    call_command("instrument", "export", str(target), "--to", "xlsform", "--out", str(tmp_path / "b.xlsx"), stderr=err)
    assert cells_of(tmp_path / "b.xlsx") == cells_of(source)
    call_command("instrument", "export", str(target), "--to", "redcap", "--language", "en", stdout=out, stderr=err)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["Variable / Field Name"] for row in rows][:3] == ["work", "hours", "extra"]
    assert rows[1]["Branching Logic (Show field only if...)"] == "[work] = '1'"


def test_the_command_names_a_language_that_is_not_there(tmp_path):
    err = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("instrument", "export", "work", "--to", "redcap", "--language", "fr", stderr=err)
    assert err.getvalue() == "work: has no texts in fr: use one of nl, en\n"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "question,answer\nfoo,bar\n,x\n"])
def test_a_table_that_is_no_form_is_told_so_in_our_words(tmp_path, text):
    (tmp_path / "small.csv").write_text(text)
    with pytest.raises(BadInput) as caught:
        import_file(tmp_path / "small.csv")
    assert str(caught.value).startswith("small.csv: is neither a REDCap data dictionary nor an XLSForm: give a")
