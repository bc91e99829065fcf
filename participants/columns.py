"""The columns of a file of recipients: the names by which each is known, and where each stands in one file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.names import plain
from trialmgr.core.errors import BadInput, Fault

# The name to prefer first: a file may have several. Capitals, accents, spaces and punctuation make no difference.
ALIASES = {
    "client_number": ("client_number", "cliëntnummer", "klantnummer", "client nr", "nummer"),
    "household": (
        "household",
        "huishouden",
        "huishoudnummer",
        "huishoudnr",
        "dossiernummer",
        "dossiernr",
        "dossier",
        "uitkeringsnummer",
    ),
    "household_type": (
        "household_type",
        "leefvorm",
        "huishoudtype",
        "huishoudsamenstelling",
        "samenstelling",
        "gezinssituatie",
    ),
    "first_name": ("first_name", "roepnaam", "voornaam", "voornamen", "voorletters"),
    "infix": ("infix", "tussenvoegsel", "tussenvoegsels", "voorvoegsel", "voorvoegsels"),
    "surname": ("surname", "achternaam", "geslachtsnaam", "naam"),
    "born_on": ("born_on", "geboortedatum", "geb.datum"),
    "email": ("email", "e-mailadres", "mailadres"),
    "phone": ("phone", "mobiel", "mobiele telefoon", "mobiel nummer", "telefoon", "telefoonnummer", "tel"),
    "street": ("street", "straat en huisnummer", "straat", "straatnaam", "adres"),
    "house_number": ("house_number", "huisnummer", "huisnr"),
    "house_letter": ("house_letter", "huisletter"),
    "house_addition": ("house_addition", "toevoeging", "huisnummertoevoeging"),
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
    "house_number": gettext_lazy("house number"),
    "house_letter": gettext_lazy("house letter"),
    "house_addition": gettext_lazy("addition to the house number"),
    "postcode": gettext_lazy("postcode"),
    "city": gettext_lazy("town"),
    "site": gettext_lazy("site"),
    "benefit_since": gettext_lazy("first day of the benefit"),
    "benefit_months": gettext_lazy("months of benefit"),
    "language": gettext_lazy("language"),
}
REQUIRED = ("client_number", "first_name", "surname", "born_on")
INSTEAD = ("first_name", "phone", "email")
"""Of these a row may hold the preferred one or another: a mobile number or that of a house."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a file, and the places of each column in it, the preferred place first."""

    names: tuple[str, ...]
    places: Mapping[str, tuple[int, ...]]

    def given(self, cells: Sequence[str], column: str) -> str:
        """What a row holds for a column; '' where it holds nothing."""
        return next((cells[at] for at in self.places.get(column, ()) if at < len(cells) and cells[at]), "")

    def used(self) -> list[tuple[str, str]]:
        """The columns that are read, as the file spells them, with what they are taken for."""
        meant = {at: column for column, places in self.places.items() for at in places}
        return [(self.names[at], meant[at]) for at in sorted(meant)]

    def unused(self) -> list[str]:
        read = {at for places in self.places.values() for at in places}
        return [name or f"({at + 1})" for at, name in enumerate(self.names) if at not in read]


def read_header(names: Sequence[str], where: str) -> Header:
    """Raises BadInput when a needed column is missing, or stands there twice by the same name."""
    known = {_key(alias): (column, place) for column, some in ALIASES.items() for place, alias in enumerate(some)}
    found: dict[str, list[tuple[int, int]]] = {}
    for at, name in enumerate(names):
        if _key(name) in known:
            column, preference = known[_key(name)]
            found.setdefault(column, []).append((preference, at))
    if faults := [*_twice(found, where), *_missing(found, where)]:
        raise BadInput(faults)
    places = {column: tuple(at for _preference, at in sorted(some)) for column, some in found.items()}
    return Header(tuple(names), {column: some if column in INSTEAD else some[:1] for column, some in places.items()})


def _twice(found: Mapping[str, list[tuple[int, int]]], where: str) -> Iterator[Fault]:
    for column, some in sorted(found.items()):
        if len({preference for preference, _at in some}) < len(some):
            yield Fault(where, _("two columns give %s") % TITLES[column], _("remove one"))


def _missing(found: Mapping[str, object], where: str) -> Iterator[Fault]:
    for column in REQUIRED:
        if column not in found:
            accepted = _("name it one of: %s") % ", ".join(ALIASES[column])
            yield Fault(where, _("has no column for %s") % TITLES[column], accepted)


def _key(name: str) -> str:
    return re.sub(r"[\W_]", "", plain(name))
