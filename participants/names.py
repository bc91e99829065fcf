"""Names as people write them: what comes before a surname, and letters without accents and capitals."""

import re
import unicodedata
from collections.abc import Iterable

INFIXES = (
    "aan", "aan de", "aan den", "aan der", "aan het", "aan 't", "al", "bij", "bij de", "bij den", "bij het", "bij 't",
    "da", "de", "de la", "de las", "de le", "de los", "de van der", "del", "della", "den", "der", "di", "dos", "du",
    "el", "het", "in", "in de", "in den", "in der", "in het", "in 't", "la", "las", "le", "les", "los",
    "onder", "onder de", "onder den", "onder het", "onder 't", "op", "op de", "op den", "op der", "op het", "op 't",
    "op ten", "over de", "over den", "over het", "over 't", "'t", "te", "ten", "ter", "tot", "uit", "uit de",
    "uit den", "uit der", "uit het", "uit ten", "uit 't", "van", "van de", "van de l'", "van den", "van der",
    "van gen", "van het", "van la", "van 't", "van ter", "vom", "von", "von dem", "von den", "von der", "voor",
    "voor de", "voor den", "voor der", "voor het", "voor 't", "zu", "zum", "zur",
)  # fmt: skip
SINGLE = ("a", "af", "ben", "bin", "d", "d'", "das", "do", "don", "l", "l'", "over", "s", "'s", "to", "ver")
"""Infixes too, that might as well be a name: they are known only where an infix is expected."""
KNOWN = {*INFIXES, *SINGLE}
BEFORE = re.compile(rf"({'|'.join(sorted(INFIXES, key=len, reverse=True))}) (?=\S)", re.IGNORECASE)
PIECE = re.compile(r"[^\W_]+")
QUOTES = str.maketrans("’‘`´", "''''")
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


class UnknownInfix(ValueError):
    """What stands after the comma of a surname is nothing that comes before one."""


def split_surname(infix: str, surname: str) -> tuple[str, str]:
    """Infix and surname, wherever the infix stands: in its own column, before the name, or after a comma."""
    infix = infix.lower()
    name, _comma, after = (part.strip() for part in surname.partition(","))
    told = after.lower().translate(QUOTES)
    if told:
        if told not in KNOWN or infix.translate(QUOTES) not in {"", told}:
            raise UnknownInfix(after)
        return told, name
    found = BEFORE.match(name.translate(QUOTES))
    if found and infix.translate(QUOTES) in {"", found[1].lower()}:
        return found[1].lower(), name[found.end() :]
    return infix, name


def plain(text: str) -> str:
    """The text without accents and capitals."""
    folded = unicodedata.normalize("NFKD", text.translate(QUOTES)).casefold().translate(PLAIN)
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def words_of(text: str) -> list[str]:
    """The words by which somebody searches: without accents, capitals and apostrophes; a hyphen parts them."""
    return PIECE.findall(plain(text).replace("'", ""))


def findable(names: Iterable[str], *, number: str, code: str) -> str:
    """All words by which a person is found, as PostgreSQL takes them: it knows each by how it begins.

    A client number is known by every three signs of it or more, the code of a household with its hyphens or without.
    """
    whole = ["".join(PIECE.findall(plain(text))) for text in (number, code)]
    found = {word for text in (*names, number, code) for word in (*words_of(text), *PIECE.findall(plain(text)))}
    found |= {whole[0][at:] for at in range(max(len(whole[0]) - 2, 1))} | {whole[1], whole[1][1:]}
    return " ".join(f"'{word}'" for word in sorted(found) if word)


def letters_of(*names: str) -> str:
    """The bare letters of a name. Digests are made of them, so what this gives may not change."""
    folded = unicodedata.normalize("NFKD", " ".join(names)).casefold()
    return "".join(letter for letter in folded if letter.isalnum())
