"""Reading a file of recipients as a municipality exports it: text in, rows or faults out, in the reader's language.

Such files come with semicolons or commas, a byte order mark, Windows-1252 letters, d-m-yyyy dates,
decimal commas, tussenvoegsels in a column of their own or inside the surname, empty lines and double rows.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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
    "street": 120,
    "city": 80,
}
POSTCODE = re.compile(r"([1-9]\d{3})\s?([A-Za-z]{2})")
INFIX = re.compile(
    r"^((?:van|von|in|op|uit|aan|bij|onder|voor)(?:\s+(?:de|den|der|het|'t))?|de|den|der|het|'t|ten|ter|te|el|al|la|le|du)\s+(?=\S)",
    re.IGNORECASE,
)
ALIASES = {
    "client_number": (
        "client_number",
        "clientnummer",
        "klantnummer",
        "cliëntnummer",
        "client nr",
        "clientnr",
        "nummer",
    ),
    "household": ("household", "huishouden", "huishoudnummer", "dossiernummer", "dossier", "uitkeringsnummer"),
    "household_type": ("household_type", "leefvorm", "huishoudtype", "gezinssituatie"),
    "first_name": ("first_name", "voornaam", "roepnaam", "voornamen", "voorletters"),
    "infix": ("infix", "tussenvoegsel", "tussenvoegsels", "voorvoegsel", "voorvoegsels"),
    "surname": ("surname", "achternaam", "geslachtsnaam", "naam"),
    "born_on": ("born_on", "geboortedatum", "geb.datum", "geb datum", "gebdatum"),
    "email": ("email", "e-mail", "e-mailadres", "emailadres", "mailadres"),
    "phone": ("phone", "telefoon", "telefoonnummer", "mobiel", "tel"),
    "street": ("street", "adres", "straat", "straat en huisnummer"),
    "postcode": ("postcode",),
    "city": ("city", "plaats", "woonplaats"),
    "site": ("site", "gemeente", "locatie"),
    "benefit_since": ("benefit_since", "ingangsdatum", "uitkering sinds", "ingangsdatum uitkering", "begindatum"),
    "benefit_months": ("benefit_months", "uitkeringsduur", "duur in maanden", "maanden uitkering"),
    "language": ("language", "taal"),
}
TITLES = {
    "client_number": gettext_lazy("client number"),
    "household": gettext_lazy("household number"),
    "household_type": gettext_lazy("kind of household"),
    "first_name": gettext_lazy("first name"),
    "infix": gettext_lazy("infix"),
    "surname": gettext_lazy("surname"),
    "born_on": gettext_lazy("day of birth"),
    "email": gettext_lazy("e-mail address"),
    "phone": gettext_lazy("telephone"),
    "street": gettext_lazy("street"),
    "postcode": gettext_lazy("postcode"),
    "city": gettext_lazy("town"),
    "site": gettext_lazy("site"),
    "benefit_since": gettext_lazy("first day of the benefit"),
    "benefit_months": gettext_lazy("months of benefit"),
    "language": gettext_lazy("language"),
}
REQUIRED = ("client_number", "first_name", "surname", "born_on")
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
    """What a file held: the rows to import, the lines left out because they repeat an earlier row to the letter."""

    rows: tuple[Row, ...]
    repeated: tuple[int, ...]


def read_recipients(content: bytes, *, name: str, sites: tuple[str, ...], today: date) -> Found:
    """Rows of the file. Raises BadInput with every fault, each with its row; nothing half read.

    `sites` are the codes a `site` column may hold; with one site the column may be left out.
    """
    lines = list(_cells(decode(content, name), name))
    header, columns = _header(lines, name)
    faults: list[Fault] = []
    rows: dict[str, Row] = {}
    repeated: list[int] = []
    for line, cells in lines[1:]:
        try:
            row = _row(line, dict(zip(columns, cells, strict=False)), name, sites, today)
        except BadInput as error:
            faults.extend(error.faults)
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
    faults.extend(_household_faults(rows.values(), name))
    if faults:
        raise BadInput(sorted(faults, key=lambda fault: _line_of(fault.where)))
    if not rows:
        raise BadInput(
            Fault(name, _("has a header (%s) but no rows") % ", ".join(header), _("export the recipients again"))
        )
    return Found(tuple(rows.values()), tuple(repeated))


def decode(content: bytes, name: str) -> str:
    """UTF-8 (with or without byte order mark) or else Windows-1252. Raises BadInput for what is no text."""
    if b"\x00" in content:
        raise BadInput(Fault(name, _("is not a text file"), _("save it as CSV (comma or semicolon separated)")))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise BadInput(
            Fault(name, _("holds an unknown letter at byte %s") % error.start, _("save it as UTF-8"))
        ) from None


def _cells(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            found += 1
            if found > MOST_ROWS + 1 or len(cells) > MOST_COLUMNS:
                most = _("at most %(rows)s rows and %(columns)s columns") % {"rows": MOST_ROWS, "columns": MOST_COLUMNS}
                raise BadInput(Fault(_at(name, reader.line_num), _("the file is too large"), most))
            yield reader.line_num, [" ".join(cell.split()) for cell in cells]
    except csv.Error as error:
        what = _("cannot be read: %s") % error
        raise BadInput(Fault(_at(name, reader.line_num), what, _("check the quotes"))) from None


def _header(lines: list[tuple[int, list[str]]], name: str) -> tuple[list[str], list[str]]:
    if not lines:
        raise BadInput(Fault(name, _("is empty"), _("export the recipients again")))
    names = {alias: column for column, aliases in ALIASES.items() for alias in aliases}
    header = lines[0][1]
    columns = [names.get(cell.lower().strip(), "") for cell in header]
    twice = {column for column in columns if column and columns.count(column) > 1}
    faults = [Fault(_at(name, 1), _("two columns give %s") % TITLES[one], _("remove one")) for one in sorted(twice)]
    for column in REQUIRED:
        if column not in columns:
            accepted = _("name it one of: %s") % ", ".join(ALIASES[column])
            faults.append(Fault(_at(name, 1), _("has no column for %s") % TITLES[column], accepted))
    if faults:
        raise BadInput(faults)
    return header, columns


def _row(line: int, cells: dict[str, str], name: str, sites: tuple[str, ...], today: date) -> Row:
    where = _at(name, line)
    faults: list[Fault] = []

    def given(column: str) -> str:
        return cells.get(column, "")

    for column, longest in LONGEST.items():
        if len(given(column)) > longest:
            what = _("%(column)s is longer than %(n)s letters") % {"column": TITLES[column], "n": longest}
            faults.append(Fault(where, what, _("shorten it")))
    empty = [TITLES[column] for column in REQUIRED if not given(column)]
    faults.extend(Fault(where, _("%s is empty") % title, _("fill it in")) for title in empty)
    infix, surname = split_surname(given("infix"), given("surname"))
    born_on = _date(given("born_on"), "born_on", where, faults)
    if born_on and not date(today.year - 110, 1, 1) <= born_on <= today:
        faults.append(Fault(where, _("day of birth %s cannot be right") % f"{born_on:%d-%m-%Y}", _("check the year")))
    since = _date(given("benefit_since"), "benefit_since", where, faults)
    since = since or _months_ago(given("benefit_months"), today, where, faults)
    site = given("site").lower() or (sites[0] if len(sites) == 1 else "")
    if site not in sites:
        faults.append(Fault(where, _("site '%s' is not in the protocol") % site, _one_of(sites)))
    kind = _household_type(given("household_type"), where, faults)
    email = given("email").lower()
    if email and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}", email):
        faults.append(Fault(where, _("e-mail '%s' is not an address") % email, _("mend it or leave it empty")))
    phone = _phone(given("phone"), where, faults)
    postcode = _postcode(given("postcode"), where, faults)
    language = given("language").lower()[:2] or "nl"
    if faults or born_on is None:
        raise BadInput(faults)
    return Row(
        line=line,
        client_number=given("client_number"),
        household=given("household") or given("client_number"),
        household_type=kind,
        first_name=given("first_name"),
        infix=infix,
        surname=surname,
        born_on=born_on,
        email=email,
        phone=phone,
        street=given("street"),
        postcode=postcode,
        city=given("city"),
        site=site,
        benefit_since=since,
        language=language if language in {"nl", "en"} else "nl",
    )


def split_surname(infix: str, surname: str) -> tuple[str, str]:
    """Infix and surname, wherever the file puts the infix: in its own column, before the name, or after a comma."""
    name, _comma, after = surname.partition(",")
    if after.strip() and not infix:
        return after.strip().lower(), name.strip()
    found = INFIX.match(surname)
    if not infix and found:
        return found.group(1).lower(), surname[found.end() :]
    if infix and found and found.group(1).lower() == infix.lower():
        return infix.lower(), surname[found.end() :]
    return infix.lower(), surname


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
    return one.as_json() | {"line": 0} == other.as_json() | {"line": 0}


def _household_faults(rows: Iterable[Row], name: str) -> Iterator[Fault]:
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row.household, []).append(row)
    for household, together in members.items():
        where = _at(name, together[-1].line)
        if len(together) > 2:
            what = _("household %(household)s has %(n)s adults") % {"household": household, "n": len(together)}
            yield Fault(where, what, _("a benefit has one or two"))
        if len(together) == 2 and {row.household_type for row in together} & {"single", "lone_parent"}:
            what = _("household %s has two adults but is of a person alone") % household
            yield Fault(where, what, _("mend one of both"))
        for column in ("site", "household_type", "benefit_since"):
            if len({getattr(row, column) for row in together if getattr(row, column)}) > 1:
                what = _("the members of household %(household)s differ in %(column)s")
                what %= {"household": household, "column": TITLES[column]}
                yield Fault(where, what, _("make them equal"))


def _at(name: str, line: int) -> str:
    return _("%(file)s: row %(row)s") % {"file": name, "row": line}


def _one_of(known: Iterable[str]) -> str:
    return _("write one of: %s") % ", ".join(known)


def _line_of(where: str) -> int:
    return int(where.rpartition(" ")[2])
