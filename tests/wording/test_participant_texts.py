"""Participants' texts are plain: short sentences, ordinary words, nothing promised that does not hold."""

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from surveys.mailing.texts import Words
from surveys.mailing.texts import catalogue as mail_and_letter
from surveys.respondent.texts import catalogue

LONGEST = {"nl": 15, "en": 17}
DUTCH = """
    participatie indicatie respondent enquête anoniem geanonimiseerd deelnemer betreffende desgewenst middels inzake
    dient dienen indien tevens teneinde conform reeds echter bijstand vragenlijst gegevensverwerking pseudoniem token
    cookie browser server klikken
"""
ENGLISH = "respondent anonymous anonymised pseudonym token cookie browser server hereby pursuant"
BANNED = {"nl": DUTCH.split(), "en": ENGLISH.split()}
LONG_WORDS = re.compile(r"[^\W\d]{13,}")
KNOWN_LONG = {"toegankelijkheid", "onderzoekers", "hoofdletters", "toetsenbord", "accessibility"}


def texts(language: str) -> Iterator[tuple[str, str]]:
    for source in (catalogue(), mail_and_letter()):
        yield from _texts("", source[language].model_dump())


def _texts(name: str, value: str | list | dict) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    else:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(f"{name}_{key}".lstrip("_"), part)


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.?!:])\s+", text) if part]


def words(sentence: str) -> list[str]:
    return re.findall(r"[\w'’{}-]*\w[\w'’{}-]*", sentence)


def test_dutch_comes_first_and_english_is_there():
    assert list(catalogue()) == list(mail_and_letter()) == ["nl", "en"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_sentences_are_short(language):
    long = [
        (name, one) for name, text in texts(language) for one in sentences(text) if len(words(one)) > LONGEST[language]
    ]
    assert long == []


def test_the_average_dutch_sentence_has_at_most_nine_words():
    lengths = [len(words(one)) for _, text in texts("nl") for one in sentences(text) if len(words(one)) > 2]
    assert sum(lengths) / len(lengths) <= 9


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_office_words(language):
    found = [
        (name, word)
        for name, text in texts(language)
        for word in words(text.lower())
        if any(word.startswith(banned) for banned in BANNED[language])
    ]
    assert found == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_long_words_but_a_few_well_known(language):
    found = {word.lower() for _, text in texts(language) for word in LONG_WORDS.findall(text)}
    assert found <= KNOWN_LONG


def test_dutch_says_u_and_never_je():
    assert not [text for _, text in texts("nl") if re.search(r"\b(je|jij|jou|jouw)\b", text, re.IGNORECASE)]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_places_to_fill_in_are_the_same_in_each_language(language):
    for name, text in texts("nl"):
        if "{" in text or "$" in text:
            other = dict(texts(language))[name]
            assert set(re.findall(r"{\w+}|[$]\w+", text)) == set(re.findall(r"{\w+}|[$]\w+", other))


@pytest.mark.parametrize("text", ["Beste $name", "Kost $ 5", "Duurt ${minutes.real}"])
def test_a_place_that_is_not_on_the_list_is_refused_before_anything_is_sent(text):
    words = mail_and_letter()["nl"].model_dump()
    with pytest.raises(ValidationError, match="places to fill in are"):
        Words(**words | {"ask": text})


def test_the_first_page_says_who_asks_how_long_and_that_stopping_is_free():
    first = " ".join(text for name, text in texts("nl") if name.startswith(("start_", "promise_L2_start")))
    for needed in (
        "onderzoekers van de universiteit",
        "In uw mail of brief staat hoe lang het duurt.",
        "U mag altijd stoppen. Dat heeft geen gevolgen voor uw uitkering.",
        "De gemeente ziet uw antwoorden niet. De onderzoekers weten niet dat u het bent.",
    ):
        assert needed in first


def test_the_linter_finds_what_it_should():
    sentence = "De respondent dient, indien gewenst, de participatie conform de regeling tijdig aan te geven bij ons."
    assert len(words(sentence)) > LONGEST["nl"]
    assert any(word.startswith(banned) for word in words(sentence.lower()) for banned in BANNED["nl"])


@pytest.mark.parametrize("language", ["nl", "en"])
def test_mail_and_letter_promise_no_more_than_what_holds_on_any_installation(language):
    assert mail_and_letter()[language].promise == catalogue()[language].promise.L0.start
