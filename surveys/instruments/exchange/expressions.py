"""Conditions in the words of REDCap (`[age] > 17 and [likes(2)] = '1'`) and of XLSForm (`selected(${likes}, '2')`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from surveys.instruments.checks import leaf_fault
from surveys.instruments.conditions import Code, Condition
from surveys.instruments.schema import NUMERIC, Instrument, Item, Scale

Dialect = Literal["redcap", "xlsform"]
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<tick>\[\w+\([^()\[\]]+\)\])"""
    r"""|(?P<field>\[\w+\]|\$\{[^}]+\}|\.(?!\w))|(?P<operator><>|!=|>=|<=|=|<|>)|(?P<mark>[(),])|(?P<word>[A-Za-z]+))"""
)
TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
ORDER = {">": "above", "<": "below", ">=": "at_least", "<=": "at_most"}
SELF = "."


class Unsayable(Exception):
    """A condition that the other side has no words for; the message says what."""


class UnknownItem(Exception):
    """A condition names a field that is not in the file."""


def code_of(text: str) -> Code:
    """An answer code as the schema holds it: a number where it is written as one."""
    return int(text) if re.fullmatch(r"0|-?[1-9]\d{0,9}", text) else text


@dataclass(frozen=True)
class Known:
    """What the reader knows of the items so far: their scales."""

    scales: dict[str, Scale]

    def scale(self, name: str) -> Scale:
        if name not in self.scales:
            raise UnknownItem(name)
        return self.scales[name]


def read_condition(text: str, known: Known) -> Condition:
    """The condition in a branching-logic or relevance cell.

    Raises UnknownItem for a field that is not known, Unsayable for anything but comparisons of a field with a value,
    ticked answers, and, or, not.
    """
    return _Reader(text, known).whole()


class _Reader:
    """Recursive descent over `or`, `and`, `not`, comparisons."""

    def __init__(self, text: str, known: Known) -> None:
        self.known = known
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        place = 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if match is None:
                raise Unsayable(f"{text[place : place + 20].strip()!r} is not read")
            self.tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            place = match.end()

    def whole(self) -> Condition:
        condition = self._some("or", lambda: self._some("and", self._one, "all"), "any")
        if self.at < len(self.tokens):
            raise Unsayable(f"{self.tokens[self.at][1]!r} is not expected")
        return condition

    def _some(self, word: str, part: Callable[[], Condition], key: str) -> Condition:
        parts = [part()]
        while self._peek() == ("word", word):
            self.at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Condition.model_validate({key: tuple(parts)})

    def _peek(self) -> tuple[str, str]:
        kind, token = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        return kind, token.lower() if kind == "word" else token

    def _take(self, *expected: str) -> str:
        kind, word = self._peek()
        if kind not in expected and word not in expected:
            raise Unsayable(f"{word or 'the end'!r} is not expected")
        self.at += 1
        return word

    def _one(self) -> Condition:
        kind, word = self._peek()
        if word == "(":
            return self._bracketed()
        if kind != "word":
            return self._comparison()
        self.at += 1
        if word == "not":
            return _negated(self._bracketed())
        if word == "selected":
            self._take("(")
            name = _name(self._take("field"))
            self._take(",")
            code = _unquoted(self._take("text", "number"))
            self._take(")")
            return self._answer(name, code)
        raise Unsayable(f"the function {word}() is not carried")

    def _bracketed(self) -> Condition:
        self._take("(")
        condition = self._some("or", lambda: self._some("and", self._one, "all"), "any")
        self._take(")")
        return condition

    def _comparison(self) -> Condition:
        left_kind, left = self._peek()
        self.at += 1
        operator = self._take("operator")
        right_kind, right = self._peek()
        self.at += 1
        if right_kind in ("field", "tick"):
            (left_kind, left), (right_kind, right) = (right_kind, right), (left_kind, left)
            operator = TURNED.get(operator, operator)
        if left_kind not in ("field", "tick") or right_kind not in ("text", "number"):
            raise Unsayable("only comparisons of a field with a value are carried")
        value = _unquoted(right)
        return (
            self._ticked(left, operator, value) if left_kind == "tick" else self._compared(_name(left), operator, value)
        )

    def _ticked(self, field: str, operator: str, value: str) -> Condition:
        name, code = field[1:-2].split("(", 1)
        self.known.scale(name)
        if operator not in ("=", "<>", "!=") or value not in ("0", "1", ""):
            raise Unsayable(f"{field} {operator} {value!r} is not carried")
        ticked = Condition(item=name, ticked=code_of(code))
        return ticked if (operator == "=") == (value == "1") else _negated(ticked)

    def _compared(self, name: str, operator: str, value: str) -> Condition:
        scale = self.known.scale(name)
        if operator in ORDER:
            try:
                return Condition.model_validate({"item": name, ORDER[operator]: float(value)})
            except ValueError:
                raise Unsayable(f"{value!r} is not a number to compare with") from None
        if value == "":
            return Condition(item=name, answered=operator != "=")
        if scale.kind == "multiple":
            raise Unsayable(f"{name} may have several answers")
        same = Condition.model_validate({"item": name, "is": code_of(value)})
        return same if operator == "=" else _negated(same)

    def _answer(self, name: str, code: str) -> Condition:
        key = "ticked" if self.known.scale(name).kind == "multiple" else "is"
        return Condition.model_validate({"item": name, key: code_of(code)})


def _name(field: str) -> str:
    return field if field == SELF else field.strip("[]${}").strip()


def _unquoted(token: str) -> str:
    return token[1:-1] if token[:1] in "'\"" else token


def _negated(condition: Condition) -> Condition:
    if condition.answered is not None:
        return Condition(item=condition.item, answered=not condition.answered)
    return condition.not_ if condition.not_ is not None else Condition.model_validate({"not": condition})


def fits(condition: Condition, instrument: Instrument) -> str | None:
    """Why a condition that was read does not fit its items; None when it does."""
    for leaf in condition.leaves():
        if fault := leaf_fault(leaf, instrument):
            return fault[0]
    return None


def write_condition(condition: Condition, instrument: Instrument, dialect: Dialect) -> str:
    """A condition in the words of the other tool. Raises Unsayable."""
    if condition.not_ is not None:
        return _write_not(condition.not_, instrument, dialect)
    if condition.item is not None:
        return _write_leaf(condition, instrument.item_by_code[condition.item], instrument, dialect)
    word = " and " if condition.all is not None else " or "
    texts = []
    for part in condition.parts():
        text = write_condition(part, instrument, dialect)
        joined = part.all is not None or part.any is not None or (part.in_ is not None and len(part.in_) > 1)
        texts.append(f"({text})" if joined else text)
    return word.join(texts)


def _write_not(condition: Condition, instrument: Instrument, dialect: Dialect) -> str:
    if condition.is_ is not None:
        return f"{_field(condition.item or '', dialect)} {'<>' if dialect == 'redcap' else '!='} '{condition.is_}'"
    if condition.ticked is not None and dialect == "redcap":
        return f"[{condition.item}({condition.ticked})] = '0'"
    text = write_condition(condition, instrument, dialect)
    return f"not ({text})" if dialect == "redcap" else f"not({text})"


def _write_leaf(leaf: Condition, item: Item, instrument: Instrument, dialect: Dialect) -> str:
    field, kind = _field(item.code, dialect), instrument.scale_of(item).kind
    if leaf.ticked is not None:
        return f"[{item.code}({leaf.ticked})] = '1'" if dialect == "redcap" else f"selected({field}, '{leaf.ticked}')"
    if leaf.answered is not None:
        if kind == "multiple" and dialect == "redcap":
            raise Unsayable(f"whether {item.code}, which has several answers, is answered")
        unequal = "<>" if dialect == "redcap" else "!="
        return f"{field} {unequal if leaf.answered else '='} ''"
    if codes := leaf.codes():
        quote = "" if kind in NUMERIC else "'"
        return " or ".join(f"{field} = {quote}{code}{quote}" for code in codes)
    sign = next(sign for sign, name in ORDER.items() if getattr(leaf, name) is not None)
    return f"{field} {sign} {leaf.edges()[0]:g}"


def _field(name: str, dialect: Dialect) -> str:
    return f"[{name}]" if dialect == "redcap" else f"${{{name}}}"


def limits_of(condition: Condition, *, whole: bool) -> tuple[float | None, float | None]:
    """Lowest and highest number that meet a constraint such as `. >= 0 and . < 120`. Raises Unsayable."""
    low: float | None = None
    high: float | None = None
    for part in condition.parts() or (condition,):
        if condition.any is not None or part.item != SELF or not part.edges():
            raise Unsayable("only lower and upper limits are carried")
        (edge,) = part.edges()
        if (part.above is not None or part.below is not None) and not (whole and edge.is_integer()):
            raise Unsayable("a limit that is itself excluded is carried for whole numbers only")
        if part.at_least is not None or part.above is not None:
            low = edge + (part.above is not None)
        else:
            high = edge - (part.below is not None)
    return low, high
