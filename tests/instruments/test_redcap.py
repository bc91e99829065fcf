"""REDCap data dictionaries, in and out."""

import csv
import io
from pathlib import Path

import pytest

from surveys.instruments.conditions import Condition
from surveys.instruments.exchange.files import csv_text, import_file, workbook_bytes
from surveys.instruments.exchange.redcap import read_dictionary
from surveys.instruments.exchange.redcap_cells import COLUMNS
from surveys.instruments.exchange.redcap_write import write_dictionary
from surveys.instruments.exchange.yaml_file import to_yaml
from surveys.instruments.loading import load_instrument, pack_ids, parse_instrument
from surveys.instruments.scoring import answers_frame, score
from trialmgr.core.errors import BadInput

FORMS = Path(__file__).parent / "forms" / "redcap"
HEADER = list(COLUMNS.values())


def rows_of(*fields):
    """A dictionary with these fields; each is a mapping of short column names."""
    names = list(COLUMNS)
    return [HEADER, *([field.get(name, "") for name in names] for field in fields)]


def field(name, kind="text", **cells):
    return {"field_name": name, "form_name": "form", "field_type": kind, "field_label": name.title()} | cells


def radio(name, choices="1, Yes | 0, No", **cells):
    return field(name, "radio", select_choices_or_calculations=choices, **cells)


def read(*fields):
    return read_dictionary(rows_of(*fields), "d.csv", "d")


@pytest.mark.parametrize("path", sorted(FORMS.glob("*.csv")), ids=lambda path: path.stem)
def test_real_dictionaries_come_back_cell_by_cell(path):
    source = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    imported = import_file(path)
    rows, notes = write_dictionary(parse_instrument(to_yaml(imported.instrument)), "en")
    assert rows == source
    assert notes == []
    assert list(csv.reader(io.StringIO(csv_text(rows)))) == source


def test_a_real_dictionary_is_read_for_what_it_says():
    imported = import_file(FORMS / "longitudinal.csv")
    items = imported.instrument.item_by_code
    assert items["num_children"].when == Condition.model_validate(
        {"all": [{"item": "sex", "is": 0}, {"item": "given_birth", "is": 1}]}
    )
    height = imported.instrument.scale_of(items["height"])
    assert (height.kind, height.min, height.max) == ("decimal", 130, 215)
    assert imported.instrument.scale_of(items["meds"]).kind == "multiple"
    assert items["gym"].group == items["drink"].group == "weekly_schedule"
    assert "row 24: bmi: calculations that are not sums are not carried: kept, not used" in imported.notes
    assert "row 4: patient_document: uploads are not carried: kept, not used" in imported.notes
    assert "row 7: validation 'phone' is not checked: kept, not used" in imported.notes


def test_every_cell_that_is_not_used_is_listed():
    """What the model has no words for stands in a note that names its row."""
    imported = import_file(FORMS / "validation-types.csv")
    source = io.StringIO((FORMS / "validation-types.csv").read_text("utf-8"))
    for row, cells in enumerate(csv.DictReader(source), 2):
        unused = cells["Field Type"] in ("file", "sql", "calc") or cells["Custom Alignment"]
        validation = cells["Text Validation Type OR Show Slider Number"]
        unused = unused or not (validation == "" or validation.startswith(("integer", "number", "date_")))
        assert any(note.startswith(f"row {row}: ") for note in imported.notes) == bool(unused), cells


@pytest.mark.parametrize(
    ("logic", "condition"),
    [
        ("[a] = '1'", {"item": "a", "is": 1}),
        ('[a]="1"', {"item": "a", "is": 1}),
        ("'1' = [a]", {"item": "a", "is": 1}),
        ("[a] <> '1'", {"not": {"item": "a", "is": 1}}),
        ("[a] != 1", {"not": {"item": "a", "is": 1}}),
        ("[a] <> ''", {"item": "a", "answered": True}),
        ("[a] = ''", {"item": "a", "answered": False}),
        ("[n] > 17", {"item": "n", "above": 17}),
        ("18 <= [n]", {"item": "n", "at_least": 18}),
        ("[c(2)] = '1'", {"item": "c", "ticked": 2}),
        ("[c(2)] = '0'", {"not": {"item": "c", "ticked": 2}}),
        ("[c(x9)]='1'", {"item": "c", "ticked": "x9"}),
        ("not ([a] = '1')", {"not": {"item": "a", "is": 1}}),
        ("[a]='1' AND [n]<5", {"all": [{"item": "a", "is": 1}, {"item": "n", "below": 5}]}),
        (
            "[a] = '1' and ([n] > 5 or [c(2)] = '1')",
            {"all": [{"item": "a", "is": 1}, {"any": [{"item": "n", "above": 5}, {"item": "c", "ticked": 2}]}]},
        ),
        (
            "[a] = '1' or [a] = '0' and [n] > 5",
            {"any": [{"item": "a", "is": 1}, {"all": [{"item": "a", "is": 0}, {"item": "n", "above": 5}]}]},
        ),
    ],
)
def test_branching_logic_becomes_a_condition_and_comes_back_as_it_was(logic, condition):
    fields = [
        radio("a"),
        field("n", text_validation_type_or_show_slider_number="integer"),
        field("c", "checkbox", select_choices_or_calculations="1, One | 2, Two | x9, Nine"),
        field("shown", branching_logic=logic),
    ]
    imported = read(*fields)
    assert imported.notes == ()
    expected = Condition.model_validate(condition)
    assert imported.instrument.item_by_code["shown"].when == expected
    rows, _ = write_dictionary(parse_instrument(to_yaml(imported.instrument)), "en")
    assert rows == rows_of(*fields)
    plain = imported.instrument.model_dump(by_alias=True)
    plain["items"] = [{**item, "extra": {}} for item in plain["items"]]
    written = write_dictionary(type(imported.instrument).model_validate(plain), "en")[0]
    again = read_dictionary(written, "again.csv", "d").instrument
    assert again.item_by_code["shown"].when == expected


@pytest.mark.parametrize(
    "logic",
    [
        "datediff([a], 'today', 'y') > 18",
        "[event_1_arm_1][a] = '1'",
        "[a] = [n]",
        "[a] = '7'",
        "[a] = '1' and",
        "[t(1)] = '1'",
        "[later] = '1'",
        "[n] > 'x'",
    ],
)
def test_logic_that_cannot_be_carried_is_listed_and_comes_back_as_it_was(logic):
    fields = [
        radio("a"),
        field("n", text_validation_type_or_show_slider_number="integer"),
        radio("t"),
        field("shown", branching_logic=logic),
        radio("later"),
    ]
    imported = read(*fields)
    (note,) = imported.notes
    assert note.startswith("row 5: Branching Logic (Show field only if...) ")
    assert note.endswith("kept, not used")
    assert imported.instrument.item_by_code["shown"].when is None
    assert write_dictionary(parse_instrument(to_yaml(imported.instrument)), "en")[0] == rows_of(*fields)


@pytest.mark.parametrize(
    ("calculation", "answers", "expected"),
    [
        ("[a] + [b]", {"a": 1, "b": 0}, 1),
        ("[a]+[b]", {"a": 1}, None),
        ("sum([a], [b])", {"a": 1}, 1),
        ("mean([a],[b])", {"a": 1, "b": 0}, 0.5),
        ("[a]", {"a": 1}, 1),
    ],
)
def test_sums_become_scores_and_come_back_as_they_were(calculation, answers, expected):
    fields = [radio("a"), radio("b"), field("total", "calc", select_choices_or_calculations=calculation), radio("z")]
    imported = read(*fields)
    instrument = parse_instrument(to_yaml(imported.instrument))
    value = score(instrument, answers_frame([instrument], [answers])).values["total"][0]
    assert value == expected if expected is not None else value != value
    assert write_dictionary(instrument, "en")[0] == rows_of(*fields)


def test_an_edit_wins_over_the_spelling_that_was_kept():
    imported = read(radio("a", "1,Yes|0,No"), field("b", branching_logic='[a]="1"', field_annotation="@HIDDEN"))
    data = imported.instrument.model_dump(by_alias=True)
    scale = data["items"][0]["scale"]
    data["scales"][scale]["options"][0]["label"] = {"en": "Sure"}
    data["items"][1]["when"] = {"item": "a", "is": 0}
    rows, _ = write_dictionary(type(imported.instrument).model_validate(data), "en")
    cells = [dict(zip(HEADER, row, strict=True)) for row in rows[1:]]
    assert cells[0]["Choices, Calculations, OR Slider Labels"] == "1, Sure | 0, No"
    assert cells[1]["Branching Logic (Show field only if...)"] == "[a] = '0'"
    assert cells[1]["Field Annotation"] == "@HIDDEN"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ([radio("a", "1 Yes")], "d.csv: row 2: Choices, Calculations, OR Slider Labels: '1 Yes' has no comma"),
        ([radio("a", "")], "d.csv: row 2: Choices, Calculations, OR Slider Labels: is empty"),
        ([radio("a", "1, Yes | 1, No")], "d.csv: row 2: Choices, Calculations, OR Slider Labels: has the code 1 twice"),
        ([radio("a"), field("a")], "d.csv: row 3: Variable / Field Name: a is also in row 2"),
        ([field("1a")], "d.csv: row 2: Variable / Field Name: '1a' is not a field name"),
        ([field("a", "selct")], "d.csv: row 2: Field Type: 'selct' is not a field type"),
        ([field("a", branching_logic="[b] = '1'")], "d.csv: row 2: Branching Logic (Show field only if...): names b,"),
        (
            [field("a", text_validation_type_or_show_slider_number="integer", text_validation_min="low")],
            "d.csv: row 2: Text Validation Min: 'low' is not a number",
        ),
        ([field("a", "file")], "d.csv: has no question that can be carried"),
    ],
)
def test_faults_carry_the_row_and_the_column(fields, line):
    with pytest.raises(BadInput) as error:
        read(*fields)
    assert line in str(error.value)


def test_markup_and_shown_answers_in_labels_are_listed():
    notes = read(radio("a"), field("b", field_label="You said <b>[a]</b>"), field("c", field_label="2 < 3")).notes
    assert notes == ("row 3: Field Label holds HTML or shows an answer: shown as it stands",)


def test_the_four_columns_that_redcap_needs_are_enough():
    rows = [["field_name", "form_name", "field_type", "field_label"], ["a", "f", "yesno", "A"], ["b", "f", "text", "B"]]
    imported = read_dictionary(rows, "d.csv", "d")
    assert write_dictionary(imported.instrument, "en")[0] == rows
    data = imported.instrument.model_dump(by_alias=True)
    data["items"][1]["when"] = {"item": "a", "is": 1}
    edited, _ = write_dictionary(type(imported.instrument).model_validate(data), "en")
    assert [row[4:] for row in edited] == [["branching_logic"], [""], ["[a] = '1'"]]


def test_a_dictionary_in_a_workbook_says_the_same(tmp_path):
    source = list(csv.reader(io.StringIO((FORMS / "survey.csv").read_text("utf-8"))))
    path = tmp_path / "survey.xlsx"
    path.write_bytes(workbook_bytes({"Sheet1": source}))
    ours, theirs = import_file(path), import_file(FORMS / "survey.csv")
    assert ours.notes == theirs.notes
    assert ours.instrument.items == theirs.instrument.items
    assert write_dictionary(ours.instrument, "en")[0] == source


def test_all_faults_are_told_at_once():
    with pytest.raises(BadInput) as error:
        read(radio("a", "1 Yes"), field("a", "selct"), field("b", branching_logic="[x] = '1'"))
    assert len(error.value.faults) == 4


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ([*HEADER[:4], "Feild Label", *HEADER[5:]], "row 1: column 5: 'Feild Label' is not a column"),
        ([*HEADER[:17], HEADER[0]], "row 1: has 'Variable / Field Name' twice"),
        ([name for name in HEADER if name != "Field Label"], "row 1: has no column 'Field Label'"),
    ],
)
def test_a_header_that_is_not_that_of_a_dictionary_is_told(header, line):
    with pytest.raises(BadInput) as error:
        read_dictionary([header, ["a"] * len(header)], "d.csv", "d")
    assert line in str(error.value)


@pytest.mark.parametrize("name", sorted(set(pack_ids()) - {"who5"}))
def test_shipped_instruments_come_back_from_a_dictionary(name):
    instrument = load_instrument(name)
    language = instrument.languages[0]
    rows, notes = write_dictionary(instrument, language)
    again = read_dictionary(rows, "d.csv", name, language).instrument
    for item in instrument.items:
        twin, scale = again.item_by_code[item.code], instrument.scale_of(item)
        assert twin.text[language] == item.text[language]
        assert again.scale_of(twin).kind == scale.kind
        assert (again.scale_of(twin).min, again.scale_of(twin).max) == (scale.min, scale.max)
        assert twin.sensitive == (item.sensitive and bool(scale.choices))
        offered = [(option.code, scale.label_of(option, language)) for option in instrument.options_of(item)]
        if scale.choices:
            assert [(option.code, option.label[language]) for option in again.options_of(twin)] == offered
        else:
            assert any(note.startswith(f"{item.code}: ") for note in notes) == item.sensitive
        assert again.condition_of(twin) == instrument.condition_of(item)
    left_out = {note.split(":")[0] for note in notes}
    for one in instrument.scores:
        assert f"score {one.id}" in left_out or one.id in {score.id for score in again.scores}
