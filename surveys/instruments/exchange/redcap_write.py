"""Writing REDCap data dictionaries."""

from surveys.instruments.exchange.common import Cells, left_out, plain_items, respelled, slug
from surveys.instruments.exchange.expressions import Known, Unsayable, write_condition
from surveys.instruments.exchange.redcap_cells import CHOICES, COLUMNS, HIGH, LOW, MODELLED, VALID, question_of, sum_of
from surveys.instruments.schema import Group, Instrument, Item, Kind, Score


def write_dictionary(instrument: Instrument, language: str) -> tuple[list[list[str]], list[str]]:
    """The data dictionary of an instrument (rows of cells, header first) and a line for what it has no words for.

    Cells read from a dictionary keep their spelling as long as they still say the same.
    """
    source = instrument.extra.get("redcap", {})
    names: list[str] = source.get("header", list(COLUMNS))
    notes = left_out(instrument, [language], intro=False)
    rows: list[tuple[float, Cells]] = []
    last = 1.0
    opened: set[str] = set()
    for item in instrument.items:
        last = float(item.extra.get("redcap", {}).get("row", last + 1e-4))
        rows.append((last, _written_item(instrument, item, language, notes, opened)))
    for one in instrument.scores:
        last = float(one.extra.get("redcap", {}).get("row", max(row for row, _ in rows) + 1e-4))
        if cells := _written_score(instrument, one, language, notes):
            rows.append((last, cells))
    rows += [(float(row["row"]), dict(row["cells"])) for row in source.get("foreign", [])]
    names = [*names, *(name for name in COLUMNS if name not in names and any(cells.get(name) for _, cells in rows))]
    header = names if source.get("api") else [COLUMNS[name] for name in names]
    blank = source.get("blank", "")
    ordered = [cells for _, cells in sorted(rows, key=lambda row: row[0])]
    return [header, *([cells.get(name, "") or blank for name in names] for cells in ordered)], notes


def _written_item(instrument: Instrument, item: Item, language: str, notes: list[str], opened: set[str]) -> Cells:
    ours = item_cells(instrument, item, language, notes, opened)
    known = Known({other.code: instrument.scale_of(other) for other in instrument.items})
    kept = item.extra.get("redcap", {})
    placed = ("form_name", "section_header", "matrix_group_name")
    return respelled(
        ours,
        kept,
        MODELLED,
        lambda cells: (question_of(cells, known, language), [cells.get(name, "") for name in placed]),
    )


def item_cells(
    instrument: Instrument, item: Item, language: str, notes: list[str] | None = None, opened: set[str] | None = None
) -> Cells:
    """The row of an item, as we write it; `opened` names groups whose header stands already."""
    scale = instrument.scale_of(item)
    notes = [] if notes is None else notes
    kinds: dict[Kind, tuple[str, str]] = {
        "choice": ("radio", ""), "multiple": ("checkbox", ""),
        "integer": ("text", "integer"), "decimal": ("text", "number"),
        "text": ("text", ""), "long_text": ("notes", ""), "date": ("text", "date_dmy"), "note": ("descriptive", ""),
    }  # fmt: skip
    field_type, validation = kinds[scale.kind]
    cells = {"field_name": item.code, "field_type": field_type, VALID: validation}
    cells |= {"field_label": item.text.get(language, ""), "field_note": item.hint.get(language, "")}
    cells |= _place_cells(instrument, item, language, set() if opened is None else opened)
    if scale.kind in ("choice", "multiple"):
        labels = [(option.code, scale.label_of(option, language)) for option in instrument.options_of(item)]
        if any("|" in label for _, label in labels):
            notes.append(f"{item.code}: a label holds |, which separates answers: written as /")
        cells[CHOICES] = " | ".join(f"{code}, {label.replace('|', '/')}" for code, label in labels)
    elif item.sensitive:
        notes.append(f"{item.code}: its answers not to say fit no text field: left out")
    cells |= {column: f"{limit:g}" for column, limit in ((LOW, scale.min), (HIGH, scale.max)) if limit is not None}
    cells["required_field"] = "y" if item.required else ""
    if condition := instrument.condition_of(item):
        try:
            cells["branching_logic"] = write_condition(condition, instrument, "redcap")
        except Unsayable as error:
            notes.append(f"{item.code}: branching logic has no words for {error}: left out")
    return cells


def _place_cells(instrument: Instrument, item: Item, language: str, opened: set[str]) -> Cells:
    """Form, section header (with the first item of a section) and matrix of an item."""
    chain: list[Group] = []
    name = item.group
    while name is not None:
        chain.insert(0, instrument.group_by_code[name])
        name = chain[0].parent
    form = chain[0].extra.get("redcap", {}).get("form", chain[0].code) if chain else slug(instrument.id)
    matrix = next((group.extra["redcap"]["matrix"] for group in chain if "matrix" in group.extra.get("redcap", {})), "")
    header = ""
    for group in chain:
        said = group.code in opened or group.extra.get("redcap", {}).get("said")
        if group.label and not said and item.code == _first(instrument, group):
            header = group.label.get(language, "")
    if not chain and item is instrument.items[0]:
        header = instrument.intro.get(language, "")
    return {"form_name": slug(form) if not chain else form, "section_header": header, "matrix_group_name": matrix}


def _first(instrument: Instrument, group: Group) -> str:
    inside = {group.code}
    for other in instrument.groups:
        if other.parent in inside:
            inside.add(other.code)
    return next((item.code for item in instrument.items if item.group in inside), "")


def _written_score(instrument: Instrument, one: Score, language: str, notes: list[str]) -> Cells | None:
    try:
        ours = score_cells(instrument, one, language)
    except Unsayable as error:
        notes.append(f"score {one.id}: a calculated field has no words for {error}: left out")
        return None
    if one.cutoffs:
        notes.append(f"score {one.id}: cut-offs are left out")
    return respelled(ours, one.extra.get("redcap", {}), MODELLED, lambda cells: sum_of(cells.get(CHOICES, "")))


def score_cells(instrument: Instrument, one: Score, language: str) -> Cells:
    """A score as a calculated field. Raises Unsayable for anything but plain sums and means."""
    items = plain_items(instrument, one)
    plain = one.method in ("sum", "mean", "value") and (one.multiply, one.add) == (1, 0)
    skips = one.missing.at_most == len(items) - 1 and one.missing.treat == "ignore"
    if not plain or not (skips or (one.missing.at_most == 0 and one.method != "mean")):
        raise Unsayable("its method or missing rule")
    fields = [f"[{name}]" for name in one.items]
    function = f"{'mean' if one.method == 'mean' else 'sum'}({', '.join(fields)})"
    label = one.title.get(language) or one.id
    last = _place_cells(instrument, items[-1], language, {group.code for group in instrument.groups})
    return {
        "field_name": one.id, "field_type": "calc", "field_label": label, **last, "section_header": "",
        "matrix_group_name": "", CHOICES: function if skips and len(items) > 1 else " + ".join(fields),
    }  # fmt: skip
