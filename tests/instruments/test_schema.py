"""Instrument files: every fault is told with its place, and skip logic is data that can be checked."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.instruments.conditions import Condition, unreachable
from surveys.instruments.loading import load_instrument, pack_ids, parse_instrument, read_questionnaire
from surveys.instruments.questionnaire import Questionnaire
from trialmgr.core.errors import BadInput

GOOD = """\
id: demo
version: "1.0"
title: {nl: Proef, en: Trial}
languages: [nl, en]
licence: {ship: "yes", terms: own wording}
scales:
  yn:
    options:
      - {code: 1, label: {nl: Ja, en: "Yes"}}
      - {code: 0, label: {nl: Nee, en: "No"}}
  days:
    kind: multiple
    options:
      - {code: 1, label: {nl: Maandag, en: Monday}}
      - {code: 2, label: {nl: Dinsdag, en: Tuesday}}
  hours: {kind: integer, min: 0, max: 80}
items:
  - {code: works, scale: yn, text: {nl: Werkt u, en: Do you work}}
  - {code: hours, scale: hours, when: {item: works, is: 1}, text: {nl: Uren, en: Hours}}
  - {code: days, scale: days, raw: true, when: {item: hours, above: 8}, text: {nl: Dagen, en: Days}}
scores:
  - id: work_hours
    method: value
    items: [hours]
    range: [0, 80]
    cutoffs:
      - id: full
        source: own
        bands: [{code: part, below: 35}, {code: full}]
"""


def faults(old, new, text=GOOD):
    assert old in text
    with pytest.raises(BadInput) as error:
        parse_instrument(text.replace(old, new, 1), "demo.yaml")
    return [str(fault) for fault in error.value.faults]


def test_a_sound_instrument_is_read():
    assert [item.code for item in parse_instrument(GOOD).items] == ["works", "hours", "days"]


@pytest.mark.parametrize("name", pack_ids())
def test_every_shipped_pack_is_sound(name):
    assert load_instrument(name).items


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "scale: hours, when",
            "scale: hour, when",
            "demo.yaml:19: items.1.scale: there is no scale hour: use one of yn",
        ),
        ("code: days, scale", "code: works, scale", "demo.yaml:20: items.2: the name works is used twice"),
        (
            "item: works, is: 1",
            "item: worked, is: 1",
            "demo.yaml:19: items.1.when: there is no item worked: name an item",
        ),
        (
            "item: works, is: 1",
            "item: days, ticked: 1",
            "items.1.when: looks at days, which is asked later: look only at",
        ),
        ("item: works, is: 1", "item: works, is: 2", "items.1.when: 2 is not an answer of works: use one of 1, 0"),
        (
            "item: works, is: 1",
            "item: works, ticked: 1",
            "items.1.when: ticked does not fit works, which takes one answer",
        ),
        ("item: works, is: 1", "item: works, equals: 1", "demo.yaml:19: items.1.when.equals: is not a known key"),
        (
            "item: works, is: 1",
            "item: works, is: 1, above: 0",
            "items.1.when: an item takes exactly one operator: give one",
        ),
        ("item: works, is: 1", "item: works", "items.1.when: an item takes exactly one operator"),
        ("item: works, is: 1", "all: []", "items.1.when: a list of conditions is empty"),
        (
            "raw: true, ",
            "",
            "demo.yaml:20: items.2: days is asked but never used: use it in a score or condition, or mark",
        ),
        (
            "above: 8",
            "above: 80",
            "demo.yaml:20: items.2.when: days can never be asked: mend its condition or remove it",
        ),
        ("range: [0, 80]", "range: [0, 81]", "demo.yaml:22: scores.0: the rule gives 0 to 80, the range says 0 to 81"),
        ("below: 35", "below: 85", "demo.yaml:22: scores.0: cut-off full lies outside 0 to 80"),
        ("items: [hours]", "items: [hours, works]", "scores.0: the value of a score comes from one item"),
        ("items: [hours]", "items: [hour]", "demo.yaml:24: scores.0.items.0: there is no item hour"),
        (
            "id: work_hours",
            "id: hours",
            "demo.yaml:22: scores.0.id: hours is also an item: give the score another name",
        ),
        (
            "method: value",
            "method: value\n    missing: {at_most: 1}",
            "scores.0: 1 missing of 1 leaves nothing to score",
        ),
        ("method: value", "method: median", "scores.0.method: input should be 'value', 'sum', 'mean' or 'weighted'"),
        ("method: value", "method: weighted", "scores.0: weights and method do not fit"),
        (
            "text: {nl: Uren, en: Hours}",
            "text: {nl: Uren}",
            "demo.yaml:19: items.1.text: has no text in en: add it, or",
        ),
        ("en: Hours}", "en: Hours, fr: Heures}", "items.1.text: has text in fr, which is not in languages"),
        ("{code: 0, label", "{code: 1, label", "scales.yn: has the code 1 twice: give each answer its own code"),
        ("min: 0, max: 80", "min: 80, max: 0", "demo.yaml:16: scales.hours: min is above max: exchange them"),
        ("kind: integer, ", "", "scales.hours: a scale of kind choice needs options: options belong to choice"),
        ("[{code: part, below: 35}, {code: full}]", "[{code: full}, {code: part, below: 35}]", "needs one upper edge"),
        (
            "  hours: {kind",
            "  hour: {kind: text}\n  hours: {kind",
            "demo.yaml:16: scales.hour: no item uses this scale",
        ),
        ('ship: "yes"', 'ship: "maybe"', "licence.ship: input should be 'yes', 'attribution', 'separate' or 'no'"),
        ('version: "1.0"', 'version: "1.0-beta"', "demo.yaml:2: version: string should match pattern"),
        ("id: demo\n", "id: demo\nid: twice\n", "demo.yaml:2: has the key 'id' twice: keep one"),
        ("id: demo\n", "", "demo.yaml:1: id: is missing: add it"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_would_be_right(old, new, line):
    assert any(line in fault for fault in faults(old, new)), faults(old, new)


def test_all_faults_of_a_kind_are_told_at_once():
    text = GOOD.replace("scale: hours, when", "scale: hour, when").replace("items: [hours]", "items: [our]")
    with pytest.raises(BadInput) as error:
        parse_instrument(text, "demo.yaml")
    assert len(error.value.faults) == 3  # two names that lead nowhere, and a scale that nothing uses any more


def test_a_table_must_recode_every_answer_and_excludes_reversal():
    recoded = GOOD.replace(
        "scores:\n",
        "tables: {t: {1: 5}}\nscores:\n  - {id: w, items: [works], recode: {works: t}}\n",
    )
    assert any("table t has codes ['1'], works has ['0', '1']: make them equal" in line for line in told(recoded))
    both = recoded.replace("{1: 5}", "{1: 5, 0: 2}").replace(
        "code: works, scale: yn,", "code: works, scale: yn, reverse: true,"
    )
    assert any("works is both reversed and recoded" in line for line in told(both))


def told(text):
    with pytest.raises(BadInput) as error:
        parse_instrument(text, "demo.yaml")
    return [str(fault) for fault in error.value.faults]


def test_answers_without_a_number_cannot_be_scored():
    text = GOOD.replace("{code: 1, label: {nl: Ja", "{code: ja, label: {nl: Ja").replace("is: 1", "is: ja")
    assert told(text.replace("items: [hours]", "items: [works]"))[0].startswith(
        "demo.yaml:24: scores.0.items.0: answer 'ja' of works counts for no number: give it a value"
    )


def test_groups_pass_their_condition_on_and_may_not_lie_in_themselves():
    text = GOOD.replace("items:\n", "groups:\n  - {code: job, when: {item: works, is: 1}}\nitems:\n", 1)
    text = text.replace(
        "{code: hours, scale: hours, when: {item: works, is: 1},", "{code: hours, group: job, scale: hours,"
    )
    instrument = parse_instrument(text)
    assert instrument.condition_of(instrument.item_by_code["hours"]) == Condition.model_validate(
        {"item": "works", "is": 1}
    )
    assert any("lies in itself" in line for line in told(text.replace("{code: job,", "{code: job, parent: job,")))


def test_an_item_is_unreachable_when_the_item_it_looks_at_is_never_asked_that_way():
    # c needs b = 2, but b is asked only when a = 1, and c also needs a = 2
    conditions = {
        "b": Condition.model_validate({"item": "a", "is": 1}),
        "c": Condition.model_validate({"all": [{"item": "a", "is": 2}, {"item": "b", "is": 2}]}),
        "d": Condition.model_validate({"all": [{"item": "a", "is": 2}, {"item": "b", "answered": False}]}),
    }
    answers = {"a": [1, 2], "b": [1, 2]}
    assert unreachable(["a", "b", "c", "d"], conditions, answers) == ["c"]


leaves = st.builds(
    lambda item, form: Condition.model_validate({"item": item, **form}),
    st.sampled_from("ab"),
    st.sampled_from([{"is": 1}, {"in": [1, 2]}, {"above": 1}, {"at_most": 2}, {"answered": True}, {"answered": False}]),
)
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda parts: Condition(all=tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: Condition(any=tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: Condition.model_validate({"not": part}), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(conditions)
def test_reachable_means_that_some_answers_meet_the_condition(condition):
    some = any(
        condition.holds({name: value for name, value in zip("ab", pair, strict=True) if value is not None})
        for pair in product([None, 1, 2, 3], repeat=2)
    )
    told_unreachable = unreachable(["a", "b", "c"], {"c": condition}, {"a": [1, 2, 3], "b": [1, 2, 3]})
    assert (told_unreachable == []) == some


@pytest.mark.parametrize(
    ("condition", "answers", "holds"),
    [
        ({"item": "a", "is": 1}, {"a": "1"}, True),
        ({"item": "a", "is": 1}, {"a": 1.0}, True),
        ({"item": "a", "is": 1}, {}, False),
        ({"not": {"item": "a", "is": 1}}, {}, True),
        ({"item": "a", "at_most": 5}, {"a": "-8"}, False),
        ({"item": "a", "at_most": 5}, {"a": "4,5"}, True),
        ({"item": "a", "answered": True}, {"a": "-9"}, False),
        ({"item": "a", "is": -9}, {"a": "-9"}, True),
        ({"item": "a", "ticked": 2}, {"a": ("1", "2")}, True),
        ({"item": "a", "ticked": 3}, {"a": ("1", "2")}, False),
        ({"item": "a", "answered": False}, {"a": ()}, True),
        ({"item": "a", "above": 2}, {"a": "much"}, False),
    ],
)
def test_conditions_on_answers(condition, answers, holds):
    assert Condition.model_validate(condition).holds(answers) is holds


def test_a_licensed_instrument_loads_from_a_file_of_who_holds_the_licence(tmp_path):
    """Twelve four-way items scored 0-0-1-1 and 0-1-2-3; the words here are placeholders."""
    options = "".join(f"      - {{code: {code}, label: {{en: Answer {code}}}}}\n" for code in range(4))
    items = "".join(f"  - {{code: q{n:02d}, scale: four, text: {{en: Placeholder {n}}}}}\n" for n in range(1, 13))
    codes = ", ".join(f"q{n:02d}" for n in range(1, 13))
    tables = ", ".join(f"q{n:02d}: bimodal" for n in range(1, 13))
    path = tmp_path / "own.yaml"
    path.write_text(
        'id: own\nversion: "1"\ntitle: {en: Own}\nlanguages: [en]\nlicence: {ship: "no", terms: licensed to us}\n'
        f"scales:\n  four:\n    options:\n{options}items:\n{items}tables: {{bimodal: {{0: 0, 1: 0, 2: 1, 3: 1}}}}\n"
        f"scores:\n  - {{id: cases, items: [{codes}], recode: {{{tables}}}, range: [0, 12]}}\n"
        f"  - {{id: likert, items: [{codes}], range: [0, 36]}}\n",
        "utf-8",
    )
    assert len(load_instrument(path).items) == 12


@pytest.mark.parametrize("language", ["nl", "en"])
def test_participants_own_texts_are_short_and_free_of_office_words(language):
    """Own wording and framing only: official items are not rewritten."""
    questionnaire, instruments = read_questionnaire("tilburg")
    texts = list(own_texts(questionnaire, language))
    own = [one for one in instruments.values() if one.wording[language].startswith("own wording")]
    assert len(own) > 8
    texts += [text[language] for one in own for text in (one.intro, *(item.text for item in one.items)) if text]
    for text in texts:
        for sentence in text.replace("?", ".").replace(":", ".").replace("!", ".").split("."):
            assert len(sentence.split()) <= 15, sentence
        assert not any(word in text.lower() for word in ("participatie", "indicatie", "respondent"))


def own_texts(questionnaire: Questionnaire, language):
    yield questionnaire.intro[language]
    for part in questionnaire.parts:
        yield from (text[language] for text in (part.title, part.intro, part.done) if text)
        yield from (block.intro[language] for block in part.blocks if block.intro)
