"""Letters: what stands on them, the code to scan, and one PDF of many. All of it in memory, never in a file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import qrcode
import typst

from surveys.mailing.letters import Occasion, written

SHEET = Path(__file__).with_name("letter.typ").read_bytes()
MASK = 3  # any of the eight is read as well; trying which looks best takes eight times as long
STANDARD = "ua-1"


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
    """The last part of the address, which is all that one needs to type on the page of the site."""
    site: str
    square: str
    picture: str
    scan: str
    type: str
    spaces: str
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
    before = ("greeting", "ask", *["again"] * again, "promise", "free", "letter_until")
    after = (*["letter_help"] * bool(occasion.phone), *["demo"] * occasion.demo)
    until = written(last_day, occasion.language)
    return Letter(
        language=occasion.language,
        sender=occasion.sender,
        address=address,
        day=written(day, occasion.language),
        subject=occasion.say("subject"),
        before=tuple(occasion.say(name, last_day=until) for name in before),
        url=url,
        code=url.rpartition("/")[2],
        site=occasion.site,
        square=_svg(url),
        picture=occasion.say("letter_picture"),
        scan=occasion.say("letter_scan"),
        type=occasion.say("letter_type"),
        spaces=occasion.say("letter_spaces"),
        after=tuple(occasion.say(name) for name in after),
        regards=occasion.say("regards"),
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
