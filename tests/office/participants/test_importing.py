"""A file of recipients as municipalities export it: read whole, or refused with every fault by row."""

import string
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from participants.importing import ALIASES, MOST_ROWS, decode, read_recipients, split_surname
from trialmgr.core.errors import BadInput, Fault

MESSY = (Path(__file__).parent / "data" / "uitdraai.csv").read_bytes()
TODAY = date(2018, 3, 5)
HEAD = "clientnummer;voornaam;achternaam;geboortedatum"


def read(content, sites=("tilburg",)):
    content = content.encode() if isinstance(content, str) else content
    return read_recipients(content, name="file.csv", sites=sites, today=TODAY)


def faults(content, **more):
    with pytest.raises(BadInput) as refused:
        read(content, **more)
    return [str(fault) for fault in refused.value.faults]


def table(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def test_a_real_export_is_read_row_by_row():
    found = read(MESSY)
    zoe, jurgen, renee, tess, other = found.rows
    assert (zoe.first_name, zoe.infix, zoe.surname, zoe.born_on) == ("Zoë", "van den", "Bergh", date(1975, 4, 3))
    assert (zoe.email, zoe.phone, zoe.postcode) == ("zoe@voorbeeld.nl", "0612345678", "5038 EA")
    assert (zoe.household, zoe.household_type, zoe.benefit_since) == ("D-1", "couple", date(2016, 9, 1))
    assert (jurgen.first_name, jurgen.surname, jurgen.phone) == ("Jürgen", "Müller-de Vries", "0135428000")
    assert (renee.infix, renee.surname) == ("van 't", "Hoff")
    assert (tess.client_number, tess.first_name, tess.infix, tess.surname) == (
        "100237",
        'O\'Neill, "Tess"',
        "de",
        "Jong",
    )
    assert (tess.household_type, tess.born_on) == ("lone_parent", date(1984, 2, 29))
    assert (other.first_name, other.surname) == ("=cmd|'/C calc'!A0", "<script>alert(1)</script>")
    assert found.repeated == (7,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_recognised(encoding, delimiter, newline):
    text = table("1;Zoë;Müller;3-4-1975").replace(";", delimiter).replace("\n", newline)
    (row,) = read(text.encode(encoding)).rows
    assert (row.first_name, row.surname) == ("Zoë", "Müller")


@pytest.mark.parametrize(
    ("given_infix", "given_name", "expected"),
    [
        ("van der", "Meer", ("van der", "Meer")),
        ("", "van der Meer", ("van der", "Meer")),
        ("", "Van Der Meer", ("van der", "Meer")),
        ("", "Meer, van der", ("van der", "Meer")),
        ("van der", "van der Meer", ("van der", "Meer")),
        ("", "de Vries-van Dijk", ("de", "Vries-van Dijk")),
        ("", "Dekker", ("", "Dekker")),
        ("", "Van", ("", "Van")),
        ("", "El Khatib", ("el", "Khatib")),
        ("", "'t Hart", ("'t", "Hart")),
    ],
)
def test_tussenvoegsels_are_found_wherever_they_stand(given_infix, given_name, expected):
    assert split_surname(given_infix, given_name) == expected


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1;A;B;31-2-1980", "file.csv: row 2: day of birth '31-2-1980' does not exist: check day and month"),
        ("1;A;B;1980", "file.csv: row 2: day of birth '1980' is not a date: write day-month-year, like 3-4-1975"),
        ("1;A;B;3-4-75", "file.csv: row 2: day of birth '3-4-75' is not a date: write day-month-year, like 3-4-1975"),
        ("1;A;B;3-4-2030", "file.csv: row 2: day of birth 03-04-2030 cannot be right: check the year"),
        ("1;A;B;3-4-1875", "file.csv: row 2: day of birth 03-04-1875 cannot be right: check the year"),
        (";A;B;3-4-1975", "file.csv: row 2: client number is empty: fill it in"),
        ("1;;B;3-4-1975", "file.csv: row 2: first name is empty: fill it in"),
        ("1;A;B", "file.csv: row 2: day of birth is empty: fill it in"),
        (f"1;{'A' * 81};B;3-4-1975", "file.csv: row 2: first name is longer than 80 letters: shorten it"),
        (f"{'1' * 31};A;B;3-4-1975", "file.csv: row 2: client number is longer than 30 letters: shorten it"),
    ],
)
def test_a_fault_names_its_row_what_is_wrong_and_what_would_be_right(row, fault):
    assert fault in faults(table(row))


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("e-mail", "noor", "e-mail 'noor' is not an address"),
        ("e-mail", "a@b.nl, c@d.nl", "is not an address"),
        ("telefoon", "12", "telephone '12' is not a number"),
        ("postcode", "0000 AA", "'0000 AA' is not a postcode"),
        ("leefvorm", "commune", "kind of household 'commune' is unknown"),
        ("uitkeringsduur", "lang", "months of benefit 'lang' is not a number"),
        ("gemeente", "Breda", "site 'breda' is not in the protocol"),
    ],
)
def test_other_columns_are_checked_when_they_are_there(column, value, what):
    text = table(f"1;A;B;3-4-1975;{value}", head=f"{HEAD};{column}")
    assert any(what in fault for fault in faults(text)), faults(text)


def test_a_dutch_reader_reads_what_is_wrong_in_dutch():
    with translation.override("nl"):
        (fault,) = faults(table("1;A;B;31-2-1980"))
    assert fault == "file.csv: rij 2: geboortedatum '31-2-1980' bestaat niet: kijk de dag en de maand na"


def test_all_faults_are_told_at_once_in_the_order_of_the_file():
    found = faults(table("1;A;B;x", "2;;B;3-4-1975", "3;A;B;3-4-1975", "4;A;;y"))
    assert [fault.split(":")[1].strip() for fault in found] == ["row 2", "row 3", "row 5", "row 5"]


def test_the_same_client_number_with_other_data_is_a_fault_and_to_the_letter_is_not():
    assert "stands in row 2 with other data" in faults(table("1;A;B;3-4-1975", "1;A;C;3-4-1975"))[0]
    assert read(table("1;A;B;3-4-1975", "1;A;B;3-4-1975")).repeated == (3,)


def test_members_of_a_household_must_fit_together():
    head = f"{HEAD};huishouden;leefvorm"
    three = table(*[f"{n};A{n};B;3-4-1975;D1;" for n in range(3)], head=head)
    assert any("3 adults" in fault for fault in faults(three))
    alone = table(*[f"{n};A{n};B;3-4-1975;D1;alleenstaand" for n in range(2)], head=head)
    assert any("person alone" in fault for fault in faults(alone))
    differ = table("1;A;B;3-4-1975;D1;paar", "2;C;D;3-4-1975;D1;gezin", head=head)
    assert any("differ in kind of household" in fault for fault in faults(differ))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (HEAD.encode(), "has a header"),
        ("voornaam;voornaam;achternaam;geboortedatum;clientnummer\n", "two columns give first name"),
        ("naam\n", "has no column for client number"),
        ("PK\x03\x04\x00\x00", "is not a text file"),
        (table("1;A;B;3-4-1975").encode("utf-16"), "is not a text file"),
        (b"\x81\x8d", "holds an unknown letter at byte 0"),
        (table('1;"A;B;3-4-1975'), "cannot be read"),
        (";".join(["a"] * 101), "the file is too large"),
    ],
)
def test_what_is_no_list_of_recipients_is_refused(content, what):
    assert any(what in fault for fault in faults(content))


def test_a_hundred_thousand_rows_and_no_more():
    row = "1;A;B;3-4-1975\n"
    assert any("too large" in fault for fault in faults(HEAD + "\n" + row * (MOST_ROWS + 1)))


def test_with_several_sites_each_row_names_its_own():
    head = f"{HEAD};gemeente"
    rows = read(table("1;A;B;3-4-1975;Goirle", "2;C;D;3-4-1975;tilburg", head=head), sites=("tilburg", "goirle")).rows
    assert [row.site for row in rows] == ["goirle", "tilburg"]
    assert any("site ''" in fault for fault in faults(table("1;A;B;3-4-1975"), sites=("tilburg", "goirle")))


LETTERS = st.text(string.ascii_letters + "éüñ-' ", min_size=1, max_size=20).map(lambda text: " ".join(text.split()))
NAMES = LETTERS.filter(lambda text: text.strip() and not split_surname("", text)[0])
DAYS = st.dates(date(1930, 1, 1), date(2000, 12, 31))


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, DAYS), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_whatever_the_order_of_columns_what_was_written_is_read(people, shuffled):
    columns = ["client_number", "first_name", "surname", "born_on"]
    shuffled.shuffle(columns)
    rows = []
    for number, (first, last, born) in enumerate(people):
        cells = {"client_number": str(number), "first_name": first, "surname": last}
        cells["born_on"] = f"{born.day}-{born.month}-{born.year}"
        rows.append(";".join(cells[column] for column in columns))
    head = ";".join(shuffled.choice(ALIASES[column]) for column in columns)
    found = read(table(*rows, head=head)).rows
    assert [(row.first_name, row.surname, row.born_on) for row in found] == people


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_place(content):
    for whole in (content, HEAD.encode() + b"\n" + content):
        found: tuple[Fault, ...] = ()
        try:
            read(whole)
        except BadInput as error:
            found = error.faults
        assert all(fault.where.startswith("file.csv") and fault.what for fault in found)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_text_comes_back_as_it_was_written(text):
    text = text.replace("\x00", "").removeprefix("\ufeff")
    assert decode(text.encode("utf-8", "ignore"), "f") == text.encode("utf-8", "ignore").decode().removeprefix("\ufeff")
