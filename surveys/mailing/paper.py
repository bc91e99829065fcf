"""Letters on paper: the words, the code to scan, and one PDF of many letters. All of it in memory, never in a file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from string import Template

import qrcode
import typst
from babel.dates import format_date

from surveys.mailing.letters import Occasion

SHEET = Path(__file__).with_name("letter.typ").read_bytes()
MASK = 3  # any of the eight is read as well; trying which looks best takes eight times as long
STANDARD = "ua-1"
WORDS = {
    "nl": {
        "subject": "Uw vragenlijst$which",
        "which": " $number van $total",
        "ask": "Wilt u onze vragen beantwoorden? Dat duurt ongeveer $minutes minuten. U doet mee aan $trial.",
        "again": "Hebt u al geantwoord? Dan hoeft u niets te doen. Dank u wel.",
        "how": "Scan de code met uw telefoon. Of typ het adres over, zonder spaties.",
        "until": "U kunt antwoorden tot en met $last_day. Het adres is alleen voor u.",
        "promise": "De gemeente en de onderzoekers kunnen niet zien wie welke antwoorden geeft.",
        "free": "Meedoen mag, het hoeft niet. Dat heeft geen gevolgen voor uw uitkering.",
        "help": "Hulp nodig? Bel $phone.",
        "regards": "Met vriendelijke groet,",
        "scan": "Code om te scannen met een telefoon. Hij opent het adres dat ernaast staat.",
    },
    "en": {
        "subject": "Your questionnaire$which",
        "which": " $number of $total",
        "ask": "Would you answer our questions? It takes about $minutes minutes. You take part in $trial.",
        "again": "Have you answered already? Then you need not do anything. Thank you.",
        "how": "Scan the code with your phone. Or type the address, without spaces.",
        "until": "You can answer up to and including $last_day. The address is for you only.",
        "promise": "The municipality and the researchers cannot see who gives which answers.",
        "free": "You may take part, you do not have to. It has no consequences for your benefit.",
        "help": "Need help? Call $phone.",
        "regards": "Kind regards,",
        "scan": "Code to scan with a phone. It opens the address beside it.",
    },
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One sheet: to whom, in which language, and every word on it in order."""

    language: str
    sender: str
    address: tuple[str, ...]
    day: str
    subject: str
    before: tuple[str, ...]
    url: str
    code: str
    scan: str
    after: tuple[str, ...]
    regards: str


def compose(
    address: tuple[str, ...],
    *,
    url: str,
    occasion: Occasion,
    day: date,
    last_day: date,
    again: bool,
) -> Letter:
    """The letter to one person. `again` says that somebody may have answered already."""
    language = occasion.language
    words = WORDS[language]
    fill = {"minutes": occasion.minutes, "trial": occasion.trial, "phone": occasion.phone}
    fill["last_day"] = format_date(last_day, "d MMMM y", locale=language)

    which = Template(words["which"]).substitute(number=occasion.number, total=occasion.total)
    which = which if occasion.total > 1 else ""

    def said(*names: str) -> tuple[str, ...]:
        return tuple(Template(words[name]).substitute(fill) for name in names)

    return Letter(
        language=language,
        sender=occasion.sender,
        address=address,
        day=format_date(day, "d MMMM y", locale=language),
        subject=Template(words["subject"]).substitute(which=which),
        before=said("ask", *(["again"] if again else []), "promise", "free", "until", "how"),
        url=url,
        code=_svg(url),
        scan=words["scan"],
        after=said(*(["help"] if occasion.phone else [])),
        regards=words["regards"],
    )


def typeset(letters: Sequence[Letter], *, title: str) -> bytes:
    """One PDF, a page a letter, tagged as PDF/UA-1."""
    told = json.dumps({"title": title, "letters": [asdict(letter) for letter in letters]})
    try:
        return _compile(told, pdf_standards=[STANDARD], ignore_system_fonts=True)
    except typst.TypstError:
        # A sign that our font lacks, say of a Chinese name: the letters go out all the same, with the fonts of this
        # machine and at worst an empty box, which a standard for accessible documents does not take.
        return _compile(told)


def _compile(told: str, **how: object) -> bytes:
    made: bytes = typst.compile(SHEET, format="pdf", sys_inputs={"told": told}, **how)
    return made


def _svg(url: str) -> str:
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0, mask_pattern=MASK)
    code.add_data(url, optimize=0)
    rows = code.get_matrix()
    side = len(rows)
    drawn = "".join(f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path d="{drawn}"/></svg>'


def _runs(row: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Where the dark squares of a row begin, and how many stand together."""
    start = None
    for place, dark in enumerate([*row, False]):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            yield start, place - start
            start = None
