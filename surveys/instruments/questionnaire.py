"""What a questionnaire file may say: which instruments in which wave, in what order and under which words."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from surveys.instruments.checks import leaf_fault
from surveys.instruments.conditions import Condition, both
from surveys.instruments.schema import Instrument, Item, Language, Line, Name, Strict, Text
from trialmgr.core.documents import Document, Key
from trialmgr.core.errors import Fault


class Block(Strict):
    """The items of one instrument (all, or those named) with the words around them."""

    instrument: Line
    items: tuple[Name, ...] | None = None
    waves: tuple[Name, ...] | None = None
    intro: Text = Field(default_factory=dict)
    when: Condition | None = None


class Part(Strict):
    """A stretch of the questionnaire that participants see as "part 2 of 5"; `done` encourages at its end."""

    code: Name
    title: Text
    intro: Text = Field(default_factory=dict)
    done: Text = Field(default_factory=dict)
    waves: tuple[Name, ...] | None = None
    blocks: tuple[Block, ...] = Field(min_length=1)


class Wave(Strict):
    """One round of questions."""

    title: Text
    intro: Text = Field(default_factory=dict)


class Questionnaire(Strict):
    """Instruments composed into waves."""

    id: Name
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    title: Text
    languages: tuple[Language, ...] = Field(min_length=1)
    intro: Text = Field(default_factory=dict)
    source: tuple[Line, ...] = ()
    waves: dict[Name, Wave] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)

    def blocks(self, wave: str) -> Iterator[tuple[Key, Part, Block]]:
        """The blocks of a wave in order, with their place in the file."""
        for place, part in enumerate(self.parts):
            if part.waves is None or wave in part.waves:
                for at, block in enumerate(part.blocks):
                    if block.waves is None or wave in block.waves:
                        yield ("parts", place, "blocks", at), part, block


def chosen(block: Block, instrument: Instrument) -> list[Item]:
    """The items of a block, in the order of the instrument."""
    return [item for item in instrument.items if block.items is None or item.code in block.items]


def asked_when(block: Block, instrument: Instrument, item: Item) -> Condition | None:
    """When an item is asked in this questionnaire: the block's condition and the item's own."""
    return both(block.when, instrument.condition_of(item))


def questionnaire_faults(
    questionnaire: Questionnaire, instruments: Mapping[str, Instrument], document: Document
) -> list[Fault]:
    """Every fault between a questionnaire and its instruments."""
    faults = [document.fault(key, what, remedy) for key, what, remedy in _names(questionnaire, instruments)]
    if not faults:
        for wave in questionnaire.waves:
            faults += [document.fault(key, *rest) for key, *rest in _wave_faults(questionnaire, instruments, wave)]
    return list(dict.fromkeys(faults))


def _names(questionnaire: Questionnaire, instruments: Mapping[str, Instrument]) -> Iterator[tuple[Key, str, str]]:
    known = ", ".join(questionnaire.waves)
    for place, part in enumerate(questionnaire.parts):
        for at, block in enumerate(part.blocks):
            key: Key = ("parts", place, "blocks", at)
            for wave in (*(part.waves or ()), *(block.waves or ())):
                if wave not in questionnaire.waves:
                    yield key, f"there is no wave {wave}", f"use one of {known}"
            yield from _block_faults(key, block, instruments[block.instrument], questionnaire.languages)
    for key, text in _own_texts(questionnaire):
        for language in questionnaire.languages:
            if text and language not in text:
                yield key, f"has no text in {language}", "add it"


def _block_faults(
    key: Key, block: Block, instrument: Instrument, languages: tuple[str, ...]
) -> Iterator[tuple[Key, str, str]]:
    for code in block.items or ():
        if code not in instrument.item_by_code:
            yield (*key, "items"), f"{instrument.id} has no item {code}", "check its spelling"
    for language in languages:
        if not all(item.text.get(language) for item in chosen(block, instrument)):
            remedy = "add the official wording to a copy of the instrument and name that file here"
            yield (*key, "instrument"), f"{instrument.id} has no item texts in {language}", remedy


def _own_texts(questionnaire: Questionnaire) -> Iterator[tuple[Key, Text]]:
    yield ("title",), questionnaire.title
    yield ("intro",), questionnaire.intro
    for name, wave in questionnaire.waves.items():
        yield ("waves", name, "title"), wave.title
        yield ("waves", name, "intro"), wave.intro
    for place, part in enumerate(questionnaire.parts):
        for name in ("title", "intro", "done"):
            yield ("parts", place, name), getattr(part, name)
        for at, block in enumerate(part.blocks):
            yield ("parts", place, "blocks", at, "intro"), block.intro


def _wave_faults(
    questionnaire: Questionnaire, instruments: Mapping[str, Instrument], wave: str
) -> Iterator[tuple[Key, str, str]]:
    earlier: dict[str, Instrument] = {}
    for key, _, block in questionnaire.blocks(wave):
        instrument = instruments[block.instrument]
        for leaf in block.when.leaves() if block.when else ():
            if leaf.item in earlier and (fault := leaf_fault(leaf, earlier[leaf.item])):
                yield (*key, "when"), *fault
        for item in chosen(block, instrument):
            if item.code in earlier:
                yield key, f"{item.code} is asked twice in wave {wave}", "leave it out of one block"
            condition = asked_when(block, instrument, item)
            for name in condition.items() if condition else ():
                if name not in earlier:
                    yield (
                        key,
                        f"{item.code} looks at {name}, not asked before it in wave {wave}",
                        "ask that item earlier",
                    )
            earlier[item.code] = instrument
    if not earlier:
        yield ("waves", wave), "asks nothing", "give it a block"
