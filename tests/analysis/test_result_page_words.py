"""A stored result on a page: names of the protocol for codes, and reasons in the reader's language."""

import pytest

from analysis.study import reading
from trialmgr.protocol.reading import load_protocol

EMPTY = "the arm 'control' has no row with the outcome 'exit_24' observed; compare arms that have observations"
METHOD = {
    "nl": "Uitkomst: exit_24, vergeleken met control. 2 meer in groep coaching_disregard dan in de controlegroep.",
    "en": "Outcome: exit_24, compared with control. 2 more in arm coaching_disregard than in the control arm.",
}


def read(language, *, refused=None):
    protocol = load_protocol("tilburg")
    asked = next(one for one in protocol.analysis.plan.analyses if getattr(one, "outcome", "") == "exit_24")
    one = {"id": asked.id, "planned": True, "method_text": METHOD, "n_used": 2, "n_rows": 2, "rows": []}
    (found,) = reading.analyses({"analyses": [one | {"details": {}, "refused": refused}]}, protocol, language)
    return found


def test_the_method_names_groups_and_outcome_as_the_protocol_does():
    nl, en = read("nl").method, read("en").method
    assert nl.startswith("Uitkomst: Uitstroom naar werk na 24 maanden, vergeleken met Gewone regels. 2 meer")
    assert "in groep Extra begeleiding en bijverdienen dan" in nl
    assert en.startswith("Outcome: Exit to work after 24 months, compared with Ordinary rules. 2 more")
    assert "in arm Extra coaching and extra earnings than in the control arm." in en


@pytest.mark.parametrize(("language", "words"), [("nl", "nog bij niemand bekend"), ("en", "has this outcome yet")])
def test_why_there_is_no_number_is_said_in_the_readers_language(language, words):
    found = read(language, refused=EMPTY)
    assert words in found.refused
    assert found.refused_in == language
    assert "control" not in found.refused


def test_a_reason_that_is_known_in_english_only_is_marked_as_english():
    found = read("nl", refused="too few clusters; use more")
    assert (found.refused, found.refused_in) == ("too few clusters; use more", "en")
