"""A questionnaire as one participant meets it: one wave, one language, one question after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from surveys.instruments.conditions import NONRESPONSE, Answers, Condition
from surveys.instruments.questionnaire import Block, Questionnaire, asked_when, chosen
from surveys.instruments.questionnaire import Part as PartFile
from surveys.instruments.schema import Instrument, Item, Kind, Option, Scale
from trialmgr.core.errors import BadInput, DomainError, Fault

LONGEST_TEXT = 4000
WORDS = {
    "nl": {
        "choose": "U kunt kiezen uit: {options}.",
        "or_choose": "U kunt ook kiezen: {options}.",
        "one": "Kies 1 antwoord.",
        "known": "Kies een antwoord uit de lijst.",
        "alone": "Kies óf dit antwoord, óf de andere antwoorden.",
        "number": "Vul een getal in. Bijvoorbeeld: 12.",
        "whole": "Vul een heel getal in. Bijvoorbeeld: 12.",
        "low": "Vul een getal in van {limit} of hoger.",
        "high": "Vul een getal in van {limit} of lager.",
        "date": "Vul een datum in. Bijvoorbeeld: 31-12-2026.",
        "long": "Uw tekst is te lang. Maak de tekst korter.",
    },
    "en": {
        "choose": "You can choose from: {options}.",
        "or_choose": "You can also choose: {options}.",
        "one": "Choose 1 answer.",
        "known": "Choose an answer from the list.",
        "alone": "Choose either this answer or the other answers.",
        "number": "Enter a number. For example: 12.",
        "whole": "Enter a whole number. For example: 12.",
        "low": "Enter a number of {limit} or higher.",
        "high": "Enter a number of {limit} or lower.",
        "date": "Enter a date. For example: 31-12-2026.",
        "long": "Your text is too long. Make it shorter.",
    },
}


class AnswerRefused(DomainError):
    """An answer that does not fit its question; the message says in the participant's language what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose; `nonresponse` is "don't know" or "won't say"."""

    code: str
    label: str
    nonresponse: bool = False
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One question in one language. `intro` stands above it, `part` counts from 1."""

    code: str
    text: str
    kind: Kind
    options: tuple[Choice, ...]
    read_aloud: str
    part: int
    language: str
    instrument: str
    instrument_version: str
    intro: str = ""
    hint: str = ""
    unit: str = ""
    sensitive: bool = False
    required: bool = False
    min: float | None = None
    max: float | None = None
    when: Condition | None = None

    def accept(self, given: str | Sequence[str] | None) -> str | tuple[str, ...] | None:
        """The answer as it is stored: a code, number or text; a tuple of codes for several answers; None when empty.

        Raises AnswerRefused.
        """
        values = [given] if isinstance(given, str) else list(given or ())
        values = [value.strip() for value in values if value.strip()]
        if not values or self.kind == "note":
            return None
        nonresponse = [option.code for option in self.options if option.nonresponse]
        if self.kind in ("choice", "multiple") or values[0] in nonresponse:
            return self._accept_codes(list(dict.fromkeys(values)))
        if self.kind in ("integer", "decimal"):
            return self._accept_number(values[0])
        if self.kind == "date":
            return self._accept_date(values[0])
        if len(values[0]) > LONGEST_TEXT:
            raise self._refuse("long")
        return values[0]

    def _accept_codes(self, values: list[str]) -> str | tuple[str, ...]:
        known = {option.code: option for option in self.options}
        if any(value not in known for value in values):
            raise self._refuse("known")
        if len(values) > 1 and self.kind != "multiple":
            raise self._refuse("one")
        if len(values) > 1 and any(known[value].exclusive for value in values):
            raise self._refuse("alone")
        return values[0] if self.kind != "multiple" else tuple(values)

    def _accept_number(self, text: str) -> str:
        text = text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            raise self._refuse("whole" if self.kind == "integer" else "number") from None
        if not abs(number) < 1e12 or (self.kind == "integer" and not number.is_integer()):
            raise self._refuse("whole" if self.kind == "integer" else "number")
        if self.min is not None and number < self.min:
            raise self._refuse("low", self.min)
        if self.max is not None and number > self.max:
            raise self._refuse("high", self.max)
        return str(int(number)) if number.is_integer() else str(number)

    def _accept_date(self, text: str) -> str:
        parts = text.replace("/", "-").split("-")
        try:
            day, month, year = map(int, parts if len(parts[0]) < 3 else parts[::-1])
            return date(year, month, day).isoformat()
        except ValueError:
            raise self._refuse("date") from None

    def _refuse(self, word: str, limit: float = 0) -> AnswerRefused:
        return AnswerRefused(_words(self.language)[word].format(limit=f"{limit:g}"), field=self.code)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of questions: "part `number` of `Form.parts`"."""

    number: int
    code: str
    title: str
    intro: str
    done: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Form:
    """One wave of a questionnaire in one language."""

    id: str
    version: str
    wave: str
    language: str
    title: str
    intro: str
    parts: tuple[Part, ...]
    instruments: tuple[Instrument, ...] = field(repr=False)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """All questions in order."""
        return tuple(question for part in self.parts for question in part.questions)

    @cached_property
    def _by_code(self) -> dict[str, int]:
        return {question.code: place for place, question in enumerate(self.questions)}

    def question(self, code: str) -> Question:
        """The question with this code; KeyError when it is not in this wave."""
        return self.questions[self._by_code[code]]

    def asked(self, answers: Answers) -> tuple[Question, ...]:
        """The questions to ask, given the answers so far; an answer to a question now skipped counts for nothing."""
        asked, counting = [], dict[str, str | int | float | Sequence[int | str] | None]()
        for question in self.questions:
            if question.when is None or question.when.holds(counting):
                asked.append(question)
                counting[question.code] = answers.get(question.code)
        return tuple(asked)

    def next_after(self, code: str | None, answers: Answers) -> Question | None:
        """The question that follows `code` (None: the first), or None at the end."""
        place = -1 if code is None else self._by_code[code]
        return next((question for question in self.asked(answers) if self._by_code[question.code] > place), None)

    def before(self, code: str, answers: Answers) -> Question | None:
        """The question that came before `code`, or None at the start."""
        place = self._by_code[code]
        return next((one for one in reversed(self.asked(answers)) if self._by_code[one.code] < place), None)

    def kept(self, answers: Answers) -> dict[str, str | int | float | Sequence[int | str] | None]:
        """The answers to the questions that are asked: what a submitted questionnaire holds."""
        return {question.code: answers[question.code] for question in self.asked(answers) if question.code in answers}


def compose(questionnaire: Questionnaire, instruments: Mapping[str, Instrument], wave: str, language: str) -> Form:
    """Build the form of a wave; BadInput when the questionnaire has no such wave or language."""
    for name, known in (("wave", questionnaire.waves), ("language", questionnaire.languages)):
        given = wave if name == "wave" else language
        if given not in known:
            raise BadInput(Fault(questionnaire.id, f"has no {name} {given}", f"use one of {', '.join(known)}"))
    grouped: dict[str, tuple[PartFile, list[Block]]] = {}
    for _, part, block in questionnaire.blocks(wave):
        grouped.setdefault(part.code, (part, []))[1].append(block)
    parts = [
        _part(number, part, [(block, instruments[block.instrument]) for block in blocks], language)
        for number, (part, blocks) in enumerate(grouped.values(), 1)
    ]
    intro = questionnaire.waves[wave].intro or questionnaire.intro
    used = dict.fromkeys(block.instrument for _, _, block in questionnaire.blocks(wave))
    return Form(
        id=questionnaire.id, version=questionnaire.version, wave=wave, language=language,
        title=questionnaire.waves[wave].title[language], intro=intro.get(language, ""), parts=tuple(parts),
        instruments=tuple(instruments[name] for name in used),
    )  # fmt: skip


def _part(number: int, part: PartFile, blocks: list[tuple[Block, Instrument]], language: str) -> Part:
    questions = [
        _question(item, instrument, block, number, language)
        for block, instrument in blocks
        for item in chosen(block, instrument)
    ]
    title, intro, done = (text.get(language, "") for text in (part.title, part.intro, part.done))
    return Part(number, part.code, title, intro, done, tuple(questions))


def _question(item: Item, instrument: Instrument, block: Block, part: int, language: str) -> Question:
    scale = instrument.scale_of(item)
    intro = " ".join(filter(None, (block.intro.get(language), instrument.intro.get(language))))
    options = tuple(_choice(scale, option, language) for option in instrument.options_of(item))
    return Question(
        code=item.code, text=item.text[language], kind=scale.kind, options=options, intro=intro,
        read_aloud=item.read_aloud.get(language) or _aloud(item, scale.kind, intro, options, language),
        part=part, language=language, instrument=instrument.id, instrument_version=instrument.version,
        hint=item.hint.get(language, ""), unit=scale.unit.get(language, ""),
        sensitive=item.sensitive, required=item.required,
        min=scale.min, max=scale.max, when=asked_when(block, instrument, item),
    )  # fmt: skip


def _choice(scale: Scale, option: Option, language: str) -> Choice:
    code = str(option.code)
    return Choice(code, scale.label_of(option, language), code in NONRESPONSE, option.exclusive)


def _aloud(item: Item, kind: Kind, intro: str, options: tuple[Choice, ...], language: str) -> str:
    words = [intro, item.text[language], item.hint.get(language, "")]
    if options:
        how = "choose" if kind in ("choice", "multiple") else "or_choose"
        words.append(_words(language)[how].format(options="; ".join(option.label for option in options)))
    return " ".join(filter(None, words))


def _words(language: str) -> dict[str, str]:
    return WORDS.get(language.split("-")[0], WORDS["en"])
