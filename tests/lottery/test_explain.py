import re

import pytest

from randomization.lottery.explain import explain
from tests.lottery.conftest import DESIGNS, design_of

CHOICE = [{"arm": "coach", "options": ["alone", "together"]}]


def sentences(design, language, strata=2):
    return [text for part in explain(design, language, strata=strata) for text in re.split(r"(?<=[.?]) ", part)]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_sentences_are_short_enough_for_b1(name, language):
    texts = sentences(design_of(name, choice=CHOICE), language)
    assert all(len(text.split()) <= 14 for text in texts), max(texts, key=lambda text: len(text.split()))
    assert all(re.match(r"[A-Z]", text) and text[-1] in ".?" for text in texts)


@pytest.mark.parametrize("name", DESIGNS)
def test_both_languages_say_the_same_number_of_things(name):
    design = design_of(name, choice=CHOICE)
    assert [len(part) > 0 for part in explain(design, "nl")] == [len(part) > 0 for part in explain(design, "en")]
    digits = [re.findall(r"\d+", " ".join(explain(design, language, strata=3))) for language in ("nl", "en")]
    assert digits[0] == digits[1]


def test_every_method_has_its_own_words():
    assert len({explain(design_of(name), "nl") for name in DESIGNS if name != "variance"}) == len(DESIGNS) - 1


def test_the_text_follows_the_design():
    design = design_of("blocks", arms=["hulp", "geld", "keuze"], ratio=[2, 1, 1], multipliers=[1, 2])
    text = " ".join(explain(design, "nl", strata=4))
    assert "Er zijn 3 groepen: hulp, geld en keuze." in text
    assert "De kans op hulp is 1 op 2." in text
    assert "De loten zitten in pakjes van 4 of 8." in text
    assert "De lijst heeft 4 delen" in text
    assert "delen" not in " ".join(explain(design, "nl", strata=1))


def test_block_sizes_are_not_told_to_who_may_still_hope():
    text = " ".join(explain(design_of("blocks", mode="sequential"), "nl"))
    assert "pakjes van wisselende grootte" in text
    assert "2 of 4" not in text


def test_a_choice_comes_after_the_draw():
    assert "Dan kiest u na de loting zelf: alone of together." in " ".join(
        explain(design_of("blocks", choice=CHOICE), "nl")
    )
