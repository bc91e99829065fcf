"""Where a fault is said to stand, in the words of whoever wrote the file."""

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
        ("pets: Rex\n", "house.yaml:1: pets: is not a list: begin each item on a line of its own with '- '"),
        (
            "pets: []\naddress: Rex\n",
            "house.yaml:2: address: is not a group of keys: write each of its keys on a line of its own below it",
        ),
        ("pets:\n- {kind: dog, name: 12}\n", "house.yaml:2: pets.0.name: is not text: put it between quotation marks"),
    ],
)
def test_a_wrong_kind_of_value_is_explained_without_jargon(text, fault):
    assert fault in faults(text)
