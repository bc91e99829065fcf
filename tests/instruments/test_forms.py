"""One wave of a questionnaire, as a participant meets it."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from surveys.instruments.forms import AnswerRefused
from surveys.instruments.loading import load_questionnaire, read_questionnaire
from trialmgr.core.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
WAVES = ("baseline", "mid", "end")


def answers_to_everything(form, **given):
    answers, question = dict(given), None
    while question := form.next_after(question.code if question else None, answers):
        if question.code not in answers:
            answers[question.code] = question.accept(question.options[0].code if question.kind == "choice" else "3")
    return answers


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("wave", WAVES)
def test_every_question_of_every_wave_has_its_words_in_both_languages(wave, language):
    form = load_questionnaire("tilburg", wave, language)
    assert [part.number for part in form.parts] == list(range(1, len(form.parts) + 1))
    for question in form.questions:
        assert question.text
        assert question.text in question.read_aloud
        assert all(option.label in question.read_aloud for option in question.options)
        assert question.language == language


def test_both_languages_ask_the_same_questions_with_the_same_answer_codes():
    dutch, english = (load_questionnaire("tilburg", "baseline", language) for language in ("nl", "en"))
    for ours, theirs in zip(dutch.questions, english.questions, strict=True):
        assert ours.code == theirs.code
        assert [option.code for option in ours.options] == [option.code for option in theirs.options]


def test_sensitive_questions_offer_not_knowing_and_not_saying():
    question = load_questionnaire("tilburg", "baseline", "nl").question("health_general")
    assert [option.label for option in question.options if option.nonresponse] == ["Weet ik niet", "Wil ik niet zeggen"]
    assert not any(
        option.nonresponse for option in load_questionnaire("tilburg", "end", "nl").question("gse_01").options
    )


def test_a_question_whose_condition_fails_is_passed_by_both_ways():
    form = load_questionnaire("tilburg", "baseline", "nl")
    with_work = answers_to_everything(form, work_paid="1")
    assert "work_hours_week" in with_work
    without = answers_to_everything(form, work_paid="0")
    assert "work_hours_week" not in without
    asked = [question.code for question in form.asked(without)]
    for earlier, later in pairwise(asked):
        assert form.next_after(earlier, without).code == later
        assert form.before(later, without).code == earlier
    assert form.before(asked[0], without) is None


def test_an_answer_whose_question_is_no_longer_asked_is_not_kept():
    form = load_questionnaire("tilburg", "baseline", "nl")
    answers = answers_to_everything(form, work_paid="1") | {"work_paid": "0"}
    assert "work_hours_week" not in form.kept(answers)
    assert form.kept(answers)["work_paid"] == "0"


def test_a_numbered_step_shows_its_number_and_its_words():
    labels = [option.label for option in load_questionnaire("tilburg", "end", "nl").question("cantril_now").options]
    assert (labels[0], labels[5], labels[10]) == ("0 – slechtste leven", "5", "10 – beste leven")
    mood = load_questionnaire("tilburg", "end", "nl").question("mhi5_calm")
    assert [option.label for option in mood.options][:3] == ["Voortdurend", "Meestal", "Vaak"]


@pytest.mark.parametrize(
    ("code", "given", "kept"),
    [
        ("work_hours_week", " 12,5 ", "12.5"),
        ("work_hours_week", "36", "36"),
        ("work_hours_week", "-8", "-8"),
        ("work_hours_week", "", None),
        ("work_hours_week", "12.5", "12.5"),
        ("work_hours_week", ",5", "0.5"),
        ("work_hours_week", "12 uur", "12"),
        ("work_hours_week", "12u", "12"),
        ("work_hours_week", "12,0 uur per week", "12"),
        ("gse_01", "4", "4"),
        ("gse_01", ["4"], "4"),
        ("gse_01", None, None),
    ],
)
def test_answers_are_kept_in_one_spelling(code, given, kept):
    assert load_questionnaire("tilburg", "baseline", "nl").question(code).accept(given) == kept


@pytest.mark.parametrize(
    ("code", "given", "message"),
    [
        ("work_hours_week", "veel", "Vul een getal in. Bijvoorbeeld: 12."),
        ("work_hours_week", "nan", "Vul een getal in. Bijvoorbeeld: 12."),
        ("work_hours_week", "101", "Vul een getal in van 100 of lager."),
        ("work_hours_week", "-1", "Vul een getal in van 0 of hoger."),
        ("work_hours_week", "1e2", "Vul een getal in. Bijvoorbeeld: 12."),
        ("work_hours_week", "12 dagen", "Vul een getal in. Bijvoorbeeld: 12."),
        ("work_hours_week", "1.000", "Vul een getal in van 100 of lager."),
        (
            "work_hours_week",
            ["12", "-9"],
            "U vulde iets in, en u koos ook 'Wil ik niet zeggen'. Haal 1 van die 2 weg.",
        ),
        ("work_hours_week", ["-8", "-9"], "Kies 1 antwoord."),
        ("search_channels", ["1", "0"], "Kies óf 'Geen van deze', óf andere antwoorden."),
        ("gse_01", "5", "Kies een antwoord uit de lijst."),
        ("gse_01", ["1", "2"], "Kies 1 antwoord."),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_in_the_words_of_the_participant(code, given, message):
    with pytest.raises(AnswerRefused) as refused:
        load_questionnaire("tilburg", "baseline", "nl").question(code).accept(given)
    assert str(refused.value) == message
    assert refused.value.field == code


@pytest.mark.parametrize(
    ("wave", "language", "line"),
    [
        ("middle", "nl", "tilburg: has no wave middle: use one of baseline, mid, end"),
        ("mid", "fr", "tilburg: has no language fr: use one of nl, en"),
    ],
)
def test_an_unknown_wave_or_language_is_named(wave, language, line):
    with pytest.raises(BadInput) as error:
        load_questionnaire("tilburg", wave, language)
    assert str(error.value) == line


def written(tmp_path, **changes):
    questionnaire = {
        "id": "own",
        "version": "1.0",
        "title": {"nl": "Eigen"},
        "languages": ["nl"],
        "waves": {"baseline": {"title": {"nl": "Eerste"}}},
        "parts": [{"code": "one", "title": {"nl": "Een"}, "blocks": [{"instrument": "work"}]}],
    } | changes
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(questionnaire, allow_unicode=True, sort_keys=False), "utf-8")
    return path


def test_own_questionnaires_name_packs_and_files_beside_them(tmp_path):
    assert len(load_questionnaire(written(tmp_path), "baseline", "nl").questions) == 2


@pytest.mark.parametrize(
    ("blocks", "lines"),
    [
        ([{"instrument": "nothing"}], ["own.yaml:16: parts.0.blocks.0.instrument: nothing: there is no instrument"]),
        (
            [{"instrument": "work"}, {"instrument": "work"}],
            ["own.yaml:17: parts.0.blocks.1: work_paid is asked twice in wave baseline"],
        ),
        ([{"instrument": "work", "items": ["work_hour"]}], ["parts.0.blocks.0.items: work has no item work_hour"]),
        (
            [{"instrument": "work", "items": ["work_hours_week"]}],
            ["work_hours_week looks at work_paid, not asked before"],
        ),
        ([{"instrument": "work", "waves": ["later"]}], ["there is no wave later: use one of baseline"]),
    ],
)
def test_faults_of_a_questionnaire_carry_their_place(tmp_path, blocks, lines):
    path = written(tmp_path, parts=[{"code": "one", "title": {"nl": "Een"}, "blocks": blocks}])
    with pytest.raises(BadInput) as error:
        read_questionnaire(path)
    for line in lines:
        assert line in str(error.value)


def test_pages_that_only_ask_do_not_load_the_machinery_for_scores():
    """A web process that serves questions stays small."""
    heavy = "('pandas', 'numpy', 'scipy', 'pyxform')"
    code = f"import sys, surveys.instruments.loading; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
