"""A file of recipients as municipalities export it: read whole, or refused with every fault by row."""

import string
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from participants.columns import ALIASES
from participants.importing import MOST_ROWS, decode, read_recipients
from participants.names import UnknownInfix, split_surname
from trialmgr.core.errors import BadInput, Fault

MESSY = (Path(__file__).parent / "data" / "uitdraai.csv").read_bytes()
TODAY = date(2018, 3, 5)
AGES = "who takes part is 18 to 110 years old"
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
        ("", "de la Cruz", ("de la", "Cruz")),
        ("", "van ’t Hek", ("van 't", "Hek")),
        ("", "op de Beek", ("op de", "Beek")),
        ("", "in 't Veld", ("in 't", "Veld")),
        ("van den", "Berg, van den", ("van den", "Berg")),
        ("", "Ben Ali", ("", "Ben Ali")),
        ("", "Ali, ben", ("ben", "Ali")),
        ("", "Berg,", ("", "Berg")),
    ],
)
def test_tussenvoegsels_are_found_wherever_they_stand(given_infix, given_name, expected):
    assert split_surname(given_infix, given_name) == expected


@pytest.mark.parametrize("given", [("", "Jansen, Piet"), ("van", "Berg, J."), ("van", "Berg, de")])
def test_after_a_comma_stands_what_comes_before_the_name_or_a_fault(given):
    with pytest.raises(UnknownInfix):
        split_surname(*given)
    text = table(f"1;Piet;{given[1]};3-4-1975;{given[0]}", head=f"{HEAD};tussenvoegsel")
    assert any("is no infix: write the surname only" in fault for fault in faults(text))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1;A;B;31-2-1980", "file.csv: row 2: day of birth '31-2-1980' does not exist: check day and month"),
        ("1;A;B;1980", "file.csv: row 2: day of birth '1980' is not a date: write day-month-year, like 3-4-1975"),
        ("1;A;B;3-4-75", "file.csv: row 2: day of birth '3-4-75' is not a date: write day-month-year, like 3-4-1975"),
        ("1;A;B;3-4-2030", f"file.csv: row 2: day of birth 3 Apr 2030 cannot be right: {AGES}"),
        ("1;A;B;3-4-1875", f"file.csv: row 2: day of birth 3 Apr 1875 cannot be right: {AGES}"),
        ("1;A;B;6-3-2000", f"file.csv: row 2: day of birth 6 Mar 2000 cannot be right: {AGES}"),
        ("1;A;B;3-4-0019", f"file.csv: row 2: day of birth 3 Apr 0019 cannot be right: {AGES}"),
        (";A;B;3-4-1975", "file.csv: row 2: client number is empty: fill it in"),
        ("1;;B;3-4-1975", "file.csv: row 2: first name is empty: fill it in"),
        ("1;A;B", "file.csv: row 2: day of birth is empty: fill it in"),
        (
            "1;A;B;3-4-1975;x",
            "file.csv: row 2: has more cells than the header: put a text that holds the separator in quotes",
        ),
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
        ("huisnummer", "12", "house number 12 has no street"),
        ("ingangsdatum", "3-4-1975", "first day of the benefit 3 Apr 1975 cannot be right"),
        ("ingangsdatum", "6-3-2018", "first day of the benefit 6 Mar 2018 cannot be right"),
        ("uitkeringsduur", "600", "first day of the benefit 1 Mar 1968 cannot be right"),
    ],
)
def test_other_columns_are_checked_when_they_are_there(column, value, what):
    text = table(f"1;A;B;3-4-1975;{value}", head=f"{HEAD};{column}")
    assert any(what in fault for fault in faults(text)), faults(text)


@pytest.mark.parametrize(
    ("columns", "cells", "street"),
    [
        ("Straat;Huisnummer;Huisletter;Toevoeging", "Heuvel;12;a;2", "Heuvel 12a-2"),
        ("Straat;Huisnr;Toevoeging", "Heuvel;12;bis", "Heuvel 12 bis"),
        ("Straatnaam;Huisnummer;Huisnummertoevoeging", "Heuvel;12;", "Heuvel 12"),
        ("Adres;Huisnummer", "Heuvel 12;12", "Heuvel 12"),
        ("Straat en huisnummer", "Heuvel 12", "Heuvel 12"),
    ],
)
def test_a_house_number_in_columns_of_its_own_becomes_part_of_the_street(columns, cells, street):
    (row,) = read(table(f"1;A;B;3-4-1975;{cells}", head=f"{HEAD};{columns}")).rows
    assert row.street == street


@pytest.mark.parametrize("name", ["E mail adres", "e-mailadres", "E_MAIL", "Emailadres"])
def test_spaces_hyphens_and_capitals_in_a_header_make_no_difference(name):
    text = table("1;A;B;3-4-1975;a@b.nl;5038 EA", head=f"{HEAD};{name};Post code")
    assert [(row.email, row.postcode) for row in read(text).rows] == [("a@b.nl", "5038 EA")]


def test_a_file_tells_which_of_its_columns_are_read_and_which_are_not():
    found = read(table("1;A;B;3-4-1975;x;y", head=f"{HEAD};Opmerking;Emal"))
    assert found.used[0] == ("clientnummer", "client_number")
    assert len(found.used) == 4
    assert found.unused == ("Opmerking", "Emal")


def test_of_two_columns_for_the_same_the_better_one_is_taken_and_the_other_where_it_is_empty():
    head = f"Voorletters;Roepnaam;{HEAD.replace('voornaam;', '')};Telefoon;Mobiel"
    first, second = read(
        table("A.B.;Anna;1;Bos;3-4-1975;0135428000;0612345678", "C.;;2;Bos;3-4-1976;0135428000;", head=head)
    ).rows
    assert (first.first_name, first.phone) == ("Anna", "0612345678")
    assert (second.first_name, second.phone) == ("C.", "0135428000")


@pytest.mark.parametrize("before", ["sep=;\n", '"sep=;"\r\n', "\n\n", ";;;;\n", "SEP=;\n\n"])
def test_what_stands_above_the_header_is_passed_over(before):
    assert [row.surname for row in read(before + table("1;A;B, van;3-4-1975")).rows] == ["B"]


@pytest.mark.parametrize("before", ["\n", "sep=,\n"])
def test_a_comma_file_may_begin_with_an_empty_line(before):
    assert [row.surname for row in read(before + table("1;A;B;3-4-1975").replace(";", ",")).rows] == ["B"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_text_from_excel_is_read(encoding):
    text = table("1;Zoë;Ünal;3-4-1975").replace(";", "\t")
    mark = "" if encoding == "utf-16" else "\ufeff"
    assert [row.first_name for row in read((mark + text).encode(encoding)).rows] == ["Zoë"]


def test_a_row_that_cannot_be_read_hides_no_fault_of_another():
    found = faults(table('1;"A"x;B;3-4-1975', "2;;B;3-4-1975", '3;"A;B;3-4-1975', "4;A;B;x"))
    assert [fault.split(":")[1].strip() for fault in found] == ["row 2", "row 3", "row 4"]
    assert found[0] == "file.csv: row 2: has a quote too many or too few: check the quotes"


def test_the_same_person_under_two_numbers_is_a_fault():
    found = faults(table("1;José;Bos;3-4-1975", "2;Jose;BOS;3-4-1975"))
    assert found == ["file.csv: row 3: has the name and day of birth of row 2, with another client number: keep one"]


def test_a_couple_has_two_adults_unless_the_row_of_the_partner_is_what_is_wrong():
    head = f"{HEAD};huishouden;leefvorm"
    alone = faults(table("1;A;B;3-4-1975;D1;gehuwd", head=head))
    assert "household D1 is a couple but has one adult" in alone[0]
    half = faults(table("1;A;B;3-4-1975;D1;gehuwd", "2;C;D;x;D1;gehuwd", head=head))
    assert [fault.split(":")[1].strip() for fault in half] == ["row 3"]


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
        (table("1;A;B;3-4-1975").encode("utf-32"), "is not a text file"),
        (b"\xff\xfea", "has no column"),
        (b"\x81\x8d", "holds an unknown letter at byte 0"),
        (table('1;"A;B;3-4-1975'), "has a quote too many or too few"),
        ('clientnummer;"voor"naam\n', "row 1: has a quote too many or too few"),
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
DAYS = st.dates(date(1930, 1, 1), date(2000, 3, 5))


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(NAMES, NAMES, DAYS), min_size=1, max_size=8, unique_by=lambda one: one[2]),
    st.randoms(use_true_random=False),
)
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
