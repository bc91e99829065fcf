"""Where a fault is said to stand, in the words of whoever wrote the file."""

from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, model_validator

from trialmgr.core.documents import parse_document, validate
from trialmgr.core.errors import BadInput


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str

    @model_validator(mode="after")
    def _named(self) -> "Dog":
        if self.name == "Cat":
            raise ValueError("is no name for a dog -> choose another")
        return self


class House(BaseModel):
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="kind")], ...]
    address: Dog | None = None


LIST = "house.yaml:1: pets: is not a list: write [a, b], or begin each item on a line of its own with '- '"


def faults(text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        validate(House, parse_document(text, "house.yaml"))
    return [str(fault) for fault in caught.value.faults]


def test_the_place_in_a_union_is_the_key_in_the_file():
    text = "pets:\n- kind: dog\n  name: Rex\n- kind: cat\n  lives: many\n"
    assert faults(text)[0].startswith("house.yaml:5: pets.1.lives: ")


def test_a_missing_key_of_a_union_member_is_named_at_the_member():
    assert faults("pets:\n\n- kind: cat\n") == ["house.yaml:3: pets.0.lives: is missing: add it"]


def test_a_fault_of_a_whole_member_stands_at_the_member():
    assert faults("pets:\n- {kind: dog, name: Cat}\n") == ["house.yaml:2: pets.0: is no name for a dog: choose another"]


def test_a_member_without_a_kind_is_told_to_say_it():
    assert faults("pets:\n- {name: Rex}\n") == ["house.yaml:2: pets.0: has no key that says what kind it is: add kind:"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "pets: Rex\n",
            "house.yaml:1: pets: is not a list: write [a, b], or begin each item on a line of its own with '- '",
        ),
        (
            "pets: []\naddress: Rex\n",
            "house.yaml:2: address: is not a group of keys: write each of its keys on a line of its own below it",
        ),
        ("pets:\n- {kind: dog, name: 12}\n", "house.yaml:2: pets.0.name: is not text: put it between quotation marks"),
    ],
)
def test_a_wrong_kind_of_value_is_explained_without_jargon(text, fault):
    assert fault in faults(text)


class Figures(BaseModel):
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Decimal = Decimal(1)
    there: bool = True
    name: Annotated[str, Field(min_length=2)] = "ab"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("count: two", "count: is not a whole number, got 'two': write digits only"),
        ("count: 2.5", "count: is not a whole number, got 2.5: write digits only"),
        ("count: 0", "count: is 0: write at least 1"),
        ("count: 12", "count: is 12: write at most 9"),
        ("share: 50%", "share: is not a number, got '50%': write digits, and decimals with a point, like 199.50"),
        ("there: ja", "there: is neither yes nor no, got 'ja': write yes or no"),
        ("name: a", "name: is empty or too short: write at least 2 characters"),
    ],
)
def test_a_wrong_value_is_said_with_what_would_be_right(text, fault):
    with pytest.raises(BadInput) as caught:
        validate(Figures, parse_document(text, "figures.yaml"))
    assert [str(each) for each in caught.value.faults] == [f"figures.yaml:1: {fault}"]


def test_an_unknown_kind_lists_those_there_are():
    assert faults("pets:\n- {kind: cow}\n") == [
        "house.yaml:2: pets.0: has kind 'cow', which there is not: write one of 'cat', 'dog'"
    ]


COLON = "has a second colon, or is indented wrongly: put the text in quotation marks"
BRACKET = "stands within a bracket that is not closed: close it, or quote text that holds , or :"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a:\n\tb: 1\n", 2, "begins with a tab: indent with spaces"),
        ("a: Wet: artikel 83\n", 1, COLON),
        ("a:\n  b: 1\n   c: 2\n  d: 3\n", 3, COLON),
        ("a:\n   b: 1\n  c: 2\n", 3, "is indented otherwise than its neighbours: give them the same indent"),
        ("a: {b: 1\nc: 2\n", 2, BRACKET),
    ],
)
def test_broken_yaml_is_explained(text, line, said):
    with pytest.raises(BadInput) as caught:
        parse_document(text, "f.yaml")
    assert str(caught.value) == f"f.yaml:{line}: is not valid YAML: {said}"


NINE = "[" + ", ".join(["*{0}"] * 9) + "]"
BOMB = "a: &a [x, x]\n" + "".join(
    f"{own}: &{own} {NINE.format(last)}\n" for last, own in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "f.yaml:1: repeats other parts more than 10,000 times by reference: write parts out"),
        ("a: &a [*a]\n", "f.yaml:1: refers to itself: write the part out"),
        ("a: " + "[" * 20_000 + "]" * 20_000, "f.yaml: has too many parts within parts: write it flatter"),
        ("a: 1\nb: " + "9" * 5_000, "f.yaml:2: is not valid YAML: has a number that is too long or not a number"),
    ],
)
def test_a_document_that_would_keep_the_machine_busy_is_refused_at_once(text, said):
    with pytest.raises(BadInput) as caught:
        parse_document(text, "f.yaml")
    assert str(caught.value).startswith(said)


def test_a_part_may_be_written_once_and_referred_to():
    assert parse_document("a: &a {x: 1}\nb: *a\n").data == {"a": {"x": 1}, "b": {"x": 1}}


def test_an_empty_file_is_called_empty():
    assert faults("") == ["house.yaml:1: is empty: write the keys that belong in it"]
