"""Reads a PDF as typst writes it, and no other: pages with their lines of text, links, and dots drawn."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

OBJECT = re.compile(rb"^(\d+) 0 obj\n(.*?)\nendobj$", re.DOTALL | re.MULTILINE)
LINE = re.compile(rb"1 0 0 -1 ([\d.]+) ([\d.]+) cm[^\n]*\nBT 0 Tr/(f\d+) [\d.]+ Tf [^\n]*? Tm(.*?)\nET", re.DOTALL)
TOKEN = re.compile(rb"\\(?:[0-7]{1,3}|.)|[^\\]", re.DOTALL)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
POINTS_IN_MM = 72 / 25.4


@dataclass(frozen=True)
class Line:
    """A piece of text and where it begins: millimetres from the left and from the top."""

    left: float
    top: float
    text: str


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    links: list[str]
    dots: set[tuple[int, int]]
    """Where drawn pieces begin, in the units of the drawing."""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Pdf:
    pages: list[Page]
    metadata: str
    tagged: bool


def read_pdf(content: bytes) -> Pdf:
    objects = {int(found[1]): found[2] for found in OBJECT.finditer(content)}
    catalog = next(body for body in objects.values() if b"/Type/Catalog" in body)
    tree = objects[_reference(catalog, b"Pages")]
    kids = [int(one) for one in re.findall(rb"(\d+) 0 R", re.search(rb"/Kids\[(.*?)\]", tree)[1])]
    metadata = _stream(objects[_reference(catalog, b"Metadata")]).decode()
    return Pdf([_page(objects, objects[kid]) for kid in kids], metadata, b"/Marked true" in catalog)


def _page(objects: dict[int, bytes], page: bytes) -> Page:
    fonts = re.search(rb"/Font<<(.*?)>>", objects[_reference(page, b"Resources")])[1]
    maps = {name: _unicode(objects, objects[int(at)]) for name, at in re.findall(rb"/(f\d+) (\d+) 0 R", fonts)}
    height = float(re.search(rb"/MediaBox\[0 0 [\d.]+ ([\d.]+)\]", page)[1])
    drawn = _stream(objects[_reference(page, b"Contents")])
    lines = [
        Line(float(x) / POINTS_IN_MM, (height - float(y)) / POINTS_IN_MM, _text(shown, maps[font]))
        for x, y, font, shown in LINE.findall(drawn)
    ]
    notes = [int(one) for one in re.findall(rb"(\d+) 0 R", re.search(rb"/Annots\[(.*?)\]", page)[1])]
    links = [re.search(rb"/URI\((.*?)\)", objects[note])[1].decode() for note in notes]
    dots = {(int(x), int(y)) for x, y in re.findall(rb"\b(\d+) (\d+) m\b", drawn)}
    return Page(lines, links, dots)


def _unicode(objects: dict[int, bytes], font: bytes) -> dict[int, str]:
    table = _stream(objects[_reference(font, b"ToUnicode")])
    pairs = re.findall(rb"^<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>$", table, re.MULTILINE)
    return {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs}


def _text(shown: bytes, letters: dict[int, str]) -> str:
    raw = b"".join(_strings(shown))
    return "".join(letters[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2))


def _strings(shown: bytes) -> Iterator[bytes]:
    """The strings of an array: in brackets, which may hold pairs of brackets, or as hexadecimal digits."""
    depth, piece = 0, b""
    for token in TOKEN.findall(re.sub(rb"<([0-9A-Fa-f]+)>", _bracketed, shown)):
        depth += (token == b"(") - (token == b")")
        if depth and not (depth == 1 and token == b"(" and not piece):
            piece += _plain(token)
        elif piece:
            yield piece
            piece = b""


def _bracketed(found: re.Match[bytes]) -> bytes:
    return b"(" + b"".join(b"\\%03o" % byte for byte in bytes.fromhex(found[1].decode())) + b")"


def _plain(token: bytes) -> bytes:
    code = token[1:]
    return token if not code else bytes([int(code, 8)]) if code.isdigit() else ESCAPES.get(code, code)


def _reference(body: bytes, name: bytes) -> int:
    return int(re.search(rb"/" + name + rb" (\d+) 0 R", body)[1])


def _stream(body: bytes) -> bytes:
    start = body.index(b"stream\n") + len(b"stream\n")
    raw = body[start : start + int(re.search(rb"/Length (\d+)", body)[1])]
    return zlib.decompress(raw) if b"/FlateDecode" in body[:start] else raw
