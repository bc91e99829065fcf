"""Reading a file of recipients as a municipality exports it: text in, rows or faults out, in the reader's language.

Such files come with semicolons or commas, a line that says which, a byte order mark, Windows-1252 letters, d-m-yyyy
dates, decimal commas, tussenvoegsels and house numbers in a column of their own or not, empty lines and double rows.
"""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from participants.ages import ADULT, OLDEST, may_have_begun, may_join
from participants.columns import REQUIRED, TITLES, Header, read_header
from participants.names import UnknownInfix, letters_of, split_surname
from trialmgr.core.errors import BadInput, Fault

MOST_ROWS = 100_000
MOST_COLUMNS = 100
LONGEST = {  # what the database holds; any other column is not kept
    "client_number": 30,
    "first_name": 80,
    "infix": 20,
    "surname": 80,
    "email": 254,
    "phone": 40,  # before spaces and brackets go
    "street": 90,  # with the house number at most 120
    "house_number": 10,
    "house_letter": 5,
    "house_addition": 12,
    "city": 80,
}
UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
BLANK = ' ;,\t"'
NAMES_DELIMITER = re.compile(r'"?sep=([;,\t])"?[;,\t]*', re.IGNORECASE)
POSTCODE = re.compile(r"([1-9]\d{3})\s?([A-Za-z]{2})")
HOUSEHOLD_TYPES = {
    "single": ("single", "alleenstaand", "alleenstaande"),
    "lone_parent": ("lone_parent", "alleenstaande ouder", "eenoudergezin"),
    "couple": ("couple", "paar", "gehuwd", "samenwonend", "echtpaar", "stel", "gehuwd/samenwonend"),
    "couple_children": ("couple_children", "gezin", "paar met kinderen", "gezin met kinderen"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient, cleaned. `household` groups the members of one benefit; `line` is the row in the file."""

    line: int
    client_number: str
    household: str
    household_type: str
    first_name: str
    infix: str
    surname: str
    born_on: date
    email: str
    phone: str
    street: str
    postcode: str
    city: str
    site: str
    benefit_since: date | None
    language: str

    def as_json(self) -> dict[str, object]:
        return {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Found:
    """What a file held: the rows to import, the lines left out as they repeat an earlier row to the letter,
    the columns that were read (with what they were taken for), and those that were not."""

    rows: tuple[Row, ...]
    repeated: tuple[int, ...]
    used: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]


def read_recipients(
    content: bytes, *, name: str, sites: tuple[str, ...], today: date, invited_on: date | None = None
) -> Found:
    """Rows of the file. Raises BadInput with every fault, each with its row; nothing half read.

    `sites` are the codes a `site` column may hold; with one site the column may be left out.
    """
    faults: list[Fault] = []
    lines = list(_lines(decode(content, name), name, faults))
    if not lines:
        raise BadInput(faults or Fault(name, _("is empty"), _("export the recipients again")))
    header = read_header(lines[0][1], _at(name, lines[0][0]))
    rows: dict[str, Row] = {}
    repeated: list[int] = []
    unread: set[str] = set()
    for line, cells in lines[1:]:
        reading = Reading(line, cells, header, _at(name, line))
        row = reading.row(sites, today, invited_on or today)
        faults.extend(reading.faults)
        if row is None:
            unread.add(reading.given("household"))
            continue
        known = rows.setdefault(row.client_number, row)
        if known is row:
            continue
        if _same(known, row):
            repeated.append(line)
        else:
            what = _("client number %(number)s stands in row %(row)s with other data")
            what %= {"number": row.client_number, "row": known.line}
            faults.append(Fault(_at(name, line), what, _("keep one")))
    faults.extend(_household_faults(rows.values(), name, unread, today))
    faults.extend(_same_person_faults(rows.values(), name))
    if faults:
        raise BadInput(sorted(faults, key=lambda fault: _line_of(fault.where)))
    if not rows:
        what = _("has a header (%s) but no rows") % ", ".join(header.names)
        raise BadInput(Fault(name, what, _("export the recipients again")))
    return Found(tuple(rows.values()), tuple(repeated), tuple(header.used()), tuple(header.unused()))


def decode(content: bytes, name: str) -> str:
    """UTF-16 with its byte order mark, UTF-8 with it or without, or else Windows-1252. Raises BadInput for no text."""
    try:
        text = content.decode("utf-16" if content.startswith(UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        text = _old_letters(content, name)
    if "\x00" in text:
        raise BadInput(Fault(name, _("is not a text file"), _("save it as CSV (comma or semicolon separated)")))
    return text


def _old_letters(content: bytes, name: str) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        what = _("holds an unknown letter at byte %s") % error.start
        raise BadInput(Fault(name, what, _("save it as UTF-8"))) from None


def _lines(text: str, name: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Each row that holds something, with its number; what cannot be read as a row becomes a fault."""
    first = next((found[0] for found in re.finditer(r"[^\r\n]+", text) if found[0].strip(BLANK)), "")
    named = NAMES_DELIMITER.fullmatch(first.strip(" "))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first, named), strict=True)
    found = -1 if named else 0
    while True:
        begin = reader.line_num + 1
        try:
            cells = [" ".join(cell.split()) for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            faults.append(Fault(_at(name, begin), _("has a quote too many or too few"), _("check the quotes")))
            if found < 1:
                raise BadInput(faults) from None
            continue
        if not any(cells):
            continue
        found += 1
        if found > MOST_ROWS + 1 or len(cells) > MOST_COLUMNS:
            most = _("at most %(rows)s rows and %(columns)s columns") % {"rows": MOST_ROWS, "columns": MOST_COLUMNS}
            raise BadInput(Fault(_at(name, reader.line_num), _("the file is too large"), most))
        if found:
            yield reader.line_num, cells


def _delimiter(first: str, named: re.Match[str] | None) -> str:
    return named[1] if named else max(";,\t", key=first.count)


class Reading:
    """One row while it is read: what it holds for each column, and what is wrong with it."""

    def __init__(self, line: int, cells: Sequence[str], header: Header, where: str) -> None:
        self.line, self.cells, self.header, self.where = line, cells, header, where
        self.faults: list[Fault] = []

    def row(self, sites: tuple[str, ...], today: date, invited_on: date) -> Row | None:
        """The row, cleaned; None when something is wrong with it."""
        self._check_cells()
        infix, surname = self._surname()
        born_on = self._born_on(invited_on)
        language = self.given("language").lower()[:2]
        row = Row(
            line=self.line,
            client_number=self.given("client_number"),
            household=self.given("household") or self.given("client_number"),
            household_type=_household_type(self.given("household_type"), self.where, self.faults),
            first_name=self.given("first_name"),
            infix=infix,
            surname=surname,
            born_on=born_on or today,
            email=self._email(),
            phone=_phone(self.given("phone"), self.where, self.faults),
            street=self._street(),
            postcode=_postcode(self.given("postcode"), self.where, self.faults),
            city=self.given("city"),
            site=self._site(sites),
            benefit_since=self._benefit_since(today),
            language=language if language in {"nl", "en"} else "nl",
        )
        return None if self.faults else row

    def given(self, column: str) -> str:
        return self.header.given(self.cells, column)

    def fault(self, what: str, remedy: str) -> None:
        self.faults.append(Fault(self.where, what, remedy))

    def _check_cells(self) -> None:
        if any(self.cells[len(self.header.names) :]):
            self.fault(_("has more cells than the header"), _("put a text that holds the separator in quotes"))
        for column, longest in LONGEST.items():
            if len(self.given(column)) > longest:
                what = _("%(column)s is longer than %(n)s letters") % {"column": TITLES[column], "n": longest}
                self.fault(what, _("shorten it"))
        for column in REQUIRED:
            if not self.given(column):
                self.fault(_("%s is empty") % TITLES[column], _("fill it in"))

    def _surname(self) -> tuple[str, str]:
        try:
            return split_surname(self.given("infix"), self.given("surname"))
        except UnknownInfix as error:
            what = _("surname '%(surname)s': '%(after)s' is no infix")
            self.fault(what % {"surname": self.given("surname"), "after": error}, _("write the surname only"))
            return "", ""

    def _born_on(self, invited_on: date) -> date | None:
        born_on = _date(self.given("born_on"), "born_on", self.where, self.faults)
        if born_on and not may_join(born_on, invited_on):
            what = _("day of birth %s cannot be right") % date_format(born_on, "SHORT_DATE_FORMAT")
            self.fault(what, _("who takes part is %(young)s to %(old)s years old") % {"young": ADULT, "old": OLDEST})
        return born_on

    def _benefit_since(self, today: date) -> date | None:
        since = _date(self.given("benefit_since"), "benefit_since", self.where, self.faults)
        return since or _months_ago(self.given("benefit_months"), today, self.where, self.faults)

    def _site(self, sites: tuple[str, ...]) -> str:
        site = self.given("site").lower() or (sites[0] if len(sites) == 1 else "")
        if site not in sites:
            self.fault(_("site '%s' is not in the protocol") % site, _one_of(sites))
        return site

    def _email(self) -> str:
        email = self.given("email").lower()
        if email and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}", email):
            self.fault(_("e-mail '%s' is not an address") % email, _("mend it or leave it empty"))
        return email

    def _street(self) -> str:
        """Street and house number, from one column or from up to four: Heuvel 12a-2."""
        street, number = self.given("street"), self.given("house_number") + self.given("house_letter")
        addition = self.given("house_addition")
        number += f"{'-' if addition[0].isdigit() else ' '}{addition}" if addition else ""
        if number and not street:
            self.fault(_("house number %s has no street") % number, _("fill in the street, or leave both empty"))
        if not number or re.search(rf"\s{re.escape(number)}$", street, re.IGNORECASE):
            return street
        return f"{street} {number}"


def _date(text: str, column: str, where: str, faults: list[Fault]) -> date | None:
    if not text:
        return None
    text = text.split(" ")[0]
    if found := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", text):
        day, month, year = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
        year, month, day = map(int, found.groups())
    else:
        what = _("%(column)s '%(text)s' is not a date") % {"column": TITLES[column], "text": text}
        faults.append(Fault(where, what, _("write day-month-year, like 3-4-1975")))
        return None
    try:
        return date(year, month, day)
    except ValueError:
        what = _("%(column)s '%(text)s' does not exist") % {"column": TITLES[column], "text": text}
        faults.append(Fault(where, what, _("check day and month")))
        return None


def _months_ago(text: str, today: date, where: str, faults: list[Fault]) -> date | None:
    """The first of the month that lies so many months back; months may have a decimal comma."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}([.,]\d+)?", text):
        what = _("months of benefit '%s' is not a number") % text
        faults.append(Fault(where, what, _("write months, like 18 or 18,5")))
        return None
    month = today.year * 12 + today.month - 1 - int(float(text.replace(",", ".")))
    return date(month // 12, month % 12 + 1, 1)


def _household_type(text: str, where: str, faults: list[Fault]) -> str:
    if not text:
        return ""
    for kind, words in HOUSEHOLD_TYPES.items():
        if text.lower() in words:
            return kind
    known = _one_of(words[1] for words in HOUSEHOLD_TYPES.values())
    faults.append(Fault(where, _("kind of household '%s' is unknown") % text, known))
    return ""


def _phone(text: str, where: str, faults: list[Fault]) -> str:
    digits = re.sub(r"[\s().-]", "", text)
    digits = re.sub(r"^(?:\+31|0031)0?", "0", digits)
    if digits and not re.fullmatch(r"0\d{9}|\+\d{8,14}", digits):
        faults.append(Fault(where, _("telephone '%s' is not a number") % text, _("write it like 06-12345678")))
    return digits


def _postcode(text: str, where: str, faults: list[Fault]) -> str:
    found = POSTCODE.fullmatch(text)
    if text and not found:
        faults.append(Fault(where, _("'%s' is not a postcode") % text, _("write it like 5038 EA")))
    return f"{found.group(1)} {found.group(2).upper()}" if found else ""


def _same(one: Row, other: Row) -> bool:
    return replace(one, line=0) == replace(other, line=0)


def _household_faults(rows: Iterable[Row], name: str, unread: set[str], today: date) -> Iterator[Fault]:
    """What does not fit together; of the households in `unread` another row was wrong."""
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row.household, []).append(row)
    for household, together in members.items():
        where = _at(name, together[-1].line)
        kinds = {row.household_type for row in together}
        if len(together) > 2:
            what = _("household %(household)s has %(n)s adults") % {"household": household, "n": len(together)}
            yield Fault(where, what, _("a benefit has one or two"))
        if len(together) == 2 and kinds & {"single", "lone_parent"}:
            what = _("household %s has two adults but is of a person alone") % household
            yield Fault(where, what, _("mend one of both"))
        if len(together) == 1 and kinds & {"couple", "couple_children"} and household not in unread:
            what = _("household %s is a couple but has one adult") % household
            yield Fault(where, what, _("add the row of the partner, with the same household number"))
        yield from _differences(household, together, where)
        yield from _benefit_faults(together, where, today)


def _benefit_faults(together: Sequence[Row], where: str, today: date) -> Iterator[Fault]:
    """The benefit is the household's: it may be older than the younger partner."""
    since = next((row.benefit_since for row in together if row.benefit_since), None)
    if since and not may_have_begun(since, min(row.born_on for row in together), today):
        what = _("first day of the benefit %s cannot be right") % date_format(since, "SHORT_DATE_FORMAT")
        yield Fault(where, what, _("it comes after the day of birth and not after today"))


def _differences(household: str, together: Sequence[Row], where: str) -> Iterator[Fault]:
    for column in ("site", "household_type", "benefit_since"):
        if len({getattr(row, column) for row in together if getattr(row, column)}) > 1:
            what = _("the members of household %(household)s differ in %(column)s")
            what %= {"household": household, "column": TITLES[column]}
            yield Fault(where, what, _("make them equal"))


def _same_person_faults(rows: Iterable[Row], name: str) -> Iterator[Fault]:
    first: dict[tuple[str, date], Row] = {}
    for row in rows:
        known = first.setdefault((letters_of(row.first_name, row.surname), row.born_on), row)
        if known is not row:
            what = _("has the name and day of birth of row %s, with another client number") % known.line
            yield Fault(_at(name, row.line), what, _("keep one"))


def _at(name: str, line: int) -> str:
    return _("%(file)s: row %(row)s") % {"file": name, "row": line}


def _one_of(known: Iterable[str]) -> str:
    return _("write one of: %s") % ", ".join(known)


def _line_of(where: str) -> int:
    return int(where.rpartition(" ")[2])
