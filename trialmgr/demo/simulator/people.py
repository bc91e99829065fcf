"""Invented recipients, and the file in which a municipality would export them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST, LAST = (line.split() for line in Path(__file__).with_name("names.txt").read_text("utf-8").splitlines())
INFIXED = (("van", "Dongen"), ("van den", "Berg"), ("van der", "Heijden"), ("de", "Wit"), ("van", "Gool"))
STREETS = ("Korvelseweg", "Broekhovenseweg", "Goirkestraat", "Besterdplein", "Gasthuisring", "Spoorlaan")
HEADER = (
    "Clientnummer;Dossiernummer;Leefvorm;Voornaam;Tussenvoegsel;Achternaam;Geboortedatum;E-mail;Telefoon;"
    "Straat en huisnummer;Postcode;Woonplaats;Ingangsdatum uitkering"
)


@dataclass(frozen=True)
class Home:
    """A household in the file."""

    dossier: str
    kind: str
    since: date
    adults: int


def export(homes: int, rng: np.random.Generator) -> bytes:
    """A file of recipients as a benefit system writes it: byte order mark, semicolons, d-m-yyyy, stray empty lines."""
    lines = [HEADER]
    number = 41_200_000
    for home in _homes(homes, rng):
        street = f"{rng.choice(STREETS)} {rng.integers(1, 300)}"
        postcode = f"50{rng.integers(11, 49)} {''.join(rng.choice(list('ABCDEHKLMNPRSTVWXZ'), 2))}"
        for _adult in range(home.adults):
            number += int(rng.integers(1, 9))
            lines.append(_line(number, home, street, postcode, rng))
        if rng.random() < 0.01:
            lines.append("")
    lines.append(lines[-1])  # such files repeat a row now and then
    return "\ufeff".encode() + "\r\n".join(lines).encode() + b"\r\n"


def _homes(count: int, rng: np.random.Generator) -> Iterator[Home]:
    kinds = ("alleenstaand", "alleenstaande ouder", "paar", "gezin")
    for place in range(count):
        kind = str(rng.choice(kinds, p=(0.56, 0.22, 0.1, 0.12)))
        months = int(min(rng.gamma(2.0, 26), 240)) + 2
        since = date(2017, 10, 1) - timedelta(days=30 * months)
        yield Home(f"D{20_000 + place}", kind, since, 2 if kind in {"paar", "gezin"} else 1)


def _line(number: int, home: Home, street: str, postcode: str, rng: np.random.Generator) -> str:
    first = str(rng.choice(FIRST))
    infix, last = INFIXED[rng.integers(len(INFIXED))] if rng.random() < 0.2 else ("", str(rng.choice(LAST)))
    born = date(2017, 1, 1) - timedelta(days=int(rng.integers(24 * 365, 64 * 365)))
    mail = f"{first}.{last}.{number}@deelnemer.example".lower()
    phone = f"06-{rng.integers(10_000_000, 99_999_999)}"
    who = (number, home.dossier, home.kind, first, infix, last, _dutch(born))
    return ";".join(map(str, (*who, mail, phone, street, postcode, "Tilburg", _dutch(home.since))))


def _dutch(day: date) -> str:
    return f"{day.day}-{day.month}-{day.year}"
