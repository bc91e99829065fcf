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
    assert "in groep Extra begeleiding en bijverdienen dan in groep Gewone regels." in nl
    assert en.startswith("Outcome: Exit to work after 24 months, compared with Ordinary rules. 2 more")
    assert "in arm Extra coaching and extra earnings than in arm Ordinary rules." in en


@pytest.mark.parametrize(("language", "words"), [("nl", "nog bij niemand bekend"), ("en", "has this outcome yet")])
def test_why_there_is_no_number_is_said_in_the_readers_language(language, words):
    found = read(language, refused=EMPTY)
    assert words in found.refused
    assert found.refused_in == language
    assert "control" not in found.refused


def test_a_reason_that_is_known_in_english_only_is_marked_as_english():
    found = read("nl", refused="too few clusters; use more")
    assert (found.refused, found.refused_in) == ("too few clusters; use more", "en")


ROW = {
    "estimate": 0.05,
    "conf_low": -0.1,
    "conf_high": 0.2,
    "std_error": 0.0765,
    "df": 197.25,
    "p_value": 0.0004,
    "n": 198,
}
COUNTS = {"randomised": 100, "n": 98, "mean": 0.25, "sd": 0.4, "events": 24}


def whole(language="nl", identity="exit_24", **over):
    """A stored result of one analysis, its arms in another order than the protocol's."""
    arms = ["control", "coaching_disregard", "coaching", "self_direction"]
    rows = [ROW | over | {"term": arm, "measure": None} for arm in arms[1:]]
    one = {
        "id": identity, "planned": True, "family": "work", "method_text": METHOD, "n_used": 392, "n_rows": 400,
        "rows": rows, "details": {"arms": dict.fromkeys(arms, COUNTS)}, "refused": None,
    }  # fmt: skip
    document = {"analyses": [one], "software": {}, "data_on": "2019-03-05"}
    return reading.shown(document, load_protocol("tilburg"), language)


def test_a_statistician_finds_error_degrees_of_freedom_and_who_is_missing_in_the_protocols_order():
    [found] = whole().found
    assert [one.arm for one in found.effects] == [
        "Eigen regie en bijverdienen", "Extra begeleiding", "Extra begeleiding en bijverdienen"
    ]  # fmt: skip
    first, group = found.effects[0], found.groups[-1]
    assert (first.std_error, first.df, first.p_value) == ("7,6", "197,2", "<\N{NO-BREAK SPACE}0,001")
    assert (group.name, group.drawn, group.observed, group.missing) == ("Gewone regels", 100, 98, 2)


def test_a_share_is_a_percentage_and_its_effect_in_percentage_points():
    [found] = whole().found
    assert found.share
    assert (found.groups[0].mean, found.effects[0].estimate) == ("25,0%", "5,0")
    assert found.effects[0].interval == "\N{MINUS SIGN}10,0 tot 20,0"
    [score] = whole(identity="wellbeing_end").found
    assert (score.share, score.groups[0].mean, score.effects[0].estimate) == (False, "0,250", "0,050")


def test_whether_p_is_corrected_is_said_with_the_procedure():
    [plain], [corrected] = whole().found, whole(p_adjusted=0.01).found
    assert (plain.procedure, corrected.procedure) == ("", "Dunnett")
    assert corrected.effects[0].p_adjusted == "0,010"


def test_intervals_are_drawn_on_one_scale_with_no_effect():
    [found] = whole("en").found
    plot = found.effects[0].plot
    assert (plot.low, plot.none, plot.point, plot.high) == ("20", "340", "500", "980")


def test_a_ratio_is_compared_with_one():
    [found] = whole("en", ratio=1.5, ratio_low=0.9, ratio_high=2.5).found
    assert (found.effects[0].estimate, found.effects[0].interval) == ("1.500", "0.900 to 2.500")
