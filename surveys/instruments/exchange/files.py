"""Choosing the format of a file, and reading and writing it."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import openpyxl
import xlrd

from surveys.instruments.exchange import redcap, xlsform
from surveys.instruments.exchange.common import Imported
from surveys.instruments.exchange.xlsform_write import Book
from trialmgr.core.errors import BadInput, Fault

TOO_LARGE = 20_000_000
TOO_LARGE_UNPACKED = 200_000_000


def import_file(path: Path, language: str = "en") -> Imported:
    """The instrument in a REDCap data dictionary or an XLSForm (.csv, .xlsx, .xls).

    `language` is that of texts whose language the file does not name. Raises BadInput with row and column.
    """
    _check(path)
    sheets = read_sheets(path)
    first = next(iter(sheets.values()))
    if first and redcap.is_dictionary(first[0]):
        return redcap.read_dictionary(first, path.name, path.stem, language)
    return xlsform.read_workbook(path, language)


def _check(path: Path) -> None:
    if path.suffix.lower() not in (".csv", ".xlsx", ".xls", ".xlsm"):
        raise BadInput(Fault(path.name, f"has the ending {path.suffix!r}", "give a .csv, .xlsx or .xls file"))
    try:
        size = path.stat().st_size
        if path.suffix.lower().startswith(".xlsx") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(part.file_size for part in archive.infolist()) > TOO_LARGE_UNPACKED:
                    raise BadInput(Fault(path.name, "unpacks to more than 200 MB", "give a smaller file"))
    except OSError as error:
        raise BadInput(Fault(str(path), f"cannot be read ({error.strerror})", "check name and rights")) from None
    if size > TOO_LARGE:
        raise BadInput(Fault(path.name, "is larger than 20 MB", "give a smaller file"))


def read_sheets(path: Path) -> dict[str, list[list[str]]]:
    """The cells of each sheet of a workbook; a CSV file is one sheet. Raises BadInput."""
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            return {"": csv_cells(path.read_bytes(), path.name)}
        if kind == ".xls":
            with xlrd.open_workbook(path) as old:
                return {
                    sheet.name: [[_text(cell) for cell in sheet.row_values(row)] for row in range(sheet.nrows)]
                    for sheet in old
                }
        book = openpyxl.load_workbook(path, data_only=True, keep_links=False)
        return {
            sheet.title: [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] for sheet in book
        }
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(Fault(path.name, f"is not a workbook that can be read ({error})", "save it again")) from None


def _texts(rows: Iterable[Iterable[object]]) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in rows]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def csv_cells(data: bytes, name: str) -> list[list[str]]:
    """Cells of CSV data: comma, semicolon or tab. Raises BadInput."""
    try:
        text = data.decode("utf-8-sig")
        first = text.split("\n", 1)[0]
        separator = max((",", ";", "\t"), key=first.count)
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except UnicodeDecodeError as error:
        raise BadInput(Fault(name, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8")) from None
    except csv.Error as error:
        raise BadInput(Fault(name, f"is not CSV: {error}", "save it as CSV again")) from None


def csv_text(rows: list[list[str]]) -> str:
    """Rows as CSV, as a spreadsheet program writes it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def workbook_bytes(book: Book) -> bytes:
    """Sheets as an .xlsx file; no cell can become a formula."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in book.items():
        sheet = workbook.create_sheet(name)
        for row, cells in enumerate(rows, 1):
            for column, text in enumerate(cells, 1):
                if text:
                    cell = sheet.cell(row, column)
                    number = re.fullmatch(r"0|-?[1-9]\d{0,14}", text) is not None
                    cell.value, cell.data_type = (int(text), "n") if number else (text, "s")
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def workbook_csv(book: Book) -> str:
    """Sheets as one CSV in the form that pyxform reads: a sheet's name in the first column, its rows below."""
    rows: list[list[str]] = []
    for name, sheet in book.items():
        rows += [[name], *(["", *cells] for cells in sheet)]
    return csv_text(rows)
