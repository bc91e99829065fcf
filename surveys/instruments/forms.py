"""A questionnaire as one participant meets it: one wave, one language, one question after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from surveys.instruments.conditions import NONRESPONSE, Answers, Condition
from surveys.instruments.questionnaire import Block, Questionnaire, asked_when, chosen
from surveys.instruments.questionnaire import Part as PartFile
from surveys.instruments.schema import NUMERIC, Instrument, Item, Kind, Option, Scale
from surveys.instruments.written import is_whole, kept_number, read_day, read_number, shown_day, shown_number
from trialmgr.core.errors import BadInput, DomainError, Fault

LONGEST_TEXT = 4000
WORDS = {
    "nl": {
        "choose": "U kunt kiezen uit: {options}.",
        "or_choose": "U kunt ook kiezen: {options}.",
        "one": "Kies 1 antwoord.",
        "known": "Kies een antwoord uit de lijst.",
        "alone": "Kies óf '{label}', óf andere antwoorden.",
        "both": "U vulde iets in, en u koos ook '{label}'. Haal 1 van die 2 weg.",
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
        "alone": "Choose either '{label}' or other answers.",
        "both": "You entered something, and you also chose '{label}'. Remove one of the two.",
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
        if self.kind in ("choice", "multiple") or any(value in self._labels for value in values):
            return self._accept_codes(list(dict.fromkeys(values)))
        if self.kind in NUMERIC:
            return self._accept_number(values[0])
        if self.kind == "date":
            return self._accept_day(values[0])
        if len(values[0]) > LONGEST_TEXT:
            raise self._refuse("long")
        return values[0]

    def shown(self, value: str) -> str:
        """A stored number, day, text or code as the person would write it."""
        if value in self._labels:
            return value
        if self.kind in NUMERIC:
            return shown_number(value, self.language)
        return shown_day(value) if self.kind == "date" else value

    @property
    def _labels(self) -> dict[str, str]:
        return {option.code: option.label for option in self.options}

    def _accept_codes(self, values: list[str]) -> str | tuple[str, ...]:
        chosen = [value for value in values if value in self._labels]
        if len(chosen) < len(values):
            listed = self.kind in ("choice", "multiple")
            raise self._refuse("known") if listed else self._refuse("both", label=self._labels[chosen[0]])
        if len(values) > 1 and self.kind != "multiple":
            raise self._refuse("one")
        alone = [option.label for option in self.options if option.exclusive and option.code in values]
        if len(values) > 1 and alone:
            raise self._refuse("alone", label=alone[0])
        return values[0] if self.kind != "multiple" else tuple(values)

    def _accept_number(self, text: str) -> str:
        number = read_number(text, self.language, self.unit)
        if number is None or (self.kind == "integer" and not is_whole(number)):
            raise self._refuse("whole" if self.kind == "integer" else "number")
        if self.min is not None and number < self.min:
            raise self._refuse("low", limit=shown_number(kept_number(self.min), self.language))
        if self.max is not None and number > self.max:
            raise self._refuse("high", limit=shown_number(kept_number(self.max), self.language))
        return kept_number(number)

    def _accept_day(self, text: str) -> str:
        day = read_day(text)
        if day is None:
            raise self._refuse("date")
        return day.isoformat()

    def _refuse(self, word: str, **fill: str) -> AnswerRefused:
        return AnswerRefused(_words(self.language)[word].format(**fill), field=self.code)


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
