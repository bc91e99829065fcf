"""What the estimators remark is in Dutch on a Dutch page, whole; JSON and CSV keep the English."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import analysis.estimators
from analysis.estimators.sample import MISSING_ORDER
from analysis.report.dutch import CATALOGUE, HOLE, catalogue, dutch
from analysis.report.words import LOST, Voice
from analysis.study import reading
from trialmgr.protocol.reading import load_protocol

CODE = Path(analysis.estimators.__file__).parent
BILINGUAL_OR_NOT_OF_A_RESULT = {"text.py", "plan.py", "plan_reading.py"}
SAYS_IT_TO_WRITERS_OF_PLANS = {"Fault", "BadInput", "Misfit", "ValueError", "TypeError", "Field", "Method"}
NAMES = {  # of terms, events and types, which are the same in every language, and lines of progress
    "arm {}", "{} missing", "{} x {}", "{} - {}", "arm {} x ", "all rows", "effect in {}", "block {}", "{} x block ",
    "first-stage residual", "{} in imputation {}", "covariance {}: {}", "control events", "control others",
    "moderator {}", "no reason given", "{}; {}", "{} of {} trials", "{}/{} {}: {}", "{} ({})", "{} at {}",
    "str | Expression",
}  # fmt: skip
PIECES = {  # of sentences that the catalogue holds as one
    "the first stage of {} is weak (F = {}, below {})", "{}: rely on the Anderson-Rubin interval, which {}",
    "no site has", "only one site has", "{} both this arm and the control",
}  # fmt: skip


def texts(node):
    """Every text of code that is no docstring and no fault of a plan, with `{}` for what is filled in."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYS_IT_TO_WRITERS_OF_PLANS:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    else:
        for inside in ast.iter_child_nodes(node):
            yield from texts(inside)


def remarks():
    for path in sorted(CODE.rglob("*.py")):
        if path.name not in BILINGUAL_OR_NOT_OF_A_RESULT:
            for text in texts(ast.parse(path.read_text("utf-8"))):
                if re.match(r"[a-z`{'].* \S", text) and text not in NAMES | PIECES:
                    yield path.name, text


def test_every_sentence_of_the_estimators_is_in_the_catalogue():
    found = list(remarks())
    assert len(found) > 400
    missing = [(name, text) for name, text in found if dutch(text.replace("{}", "'x'")) is None]
    assert missing == []


def test_the_search_for_sentences_is_not_blind():
    code = 'def f():\n    """Not this."""\n    raise Refused(f"the arm {arm!r} is sad", "cheer it up")'
    assert list(texts(ast.parse(code))) == ["the arm {} is sad", "cheer it up"]
    assert dutch("the arm 'x' is sad") is None


def test_the_dutch_fills_in_what_the_english_does():
    wrong = []
    for english, translated in catalogue().items():
        holes, numbered = len(HOLE.findall(english)), re.findall(r"\{(\d+)\}", translated)
        ordered = not numbered or sorted(map(int, numbered)) == list(range(holes))
        if len(HOLE.findall(translated)) != holes or not ordered:
            wrong.append(english)
    assert wrong == []


def test_no_sentence_stands_in_the_catalogue_twice():
    keys = re.findall(r'^"(.*)": "', CATALOGUE.read_text("utf-8"), re.MULTILINE)
    assert [key for key, times in Counter(keys).items() if times > 1] == []
    assert len(keys) == len(catalogue())


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("from Q", "uit Q"),
        (
            "there is no column 'zz'; check its spelling; there are arm, y",
            "er is geen kolom 'zz'; kijk de spelling na; er zijn arm, y",
        ),
        (
            "the site 'z' is left out: nobody has a value of 'y'; leave it out, or use `by_arm: false`",
            "de locatie 'z' is weggelaten: niemand heeft een waarde van 'y'; laat haar weg, of gebruik `by_arm: false`",
        ),
        (
            "99 random assignments: a p-value of 0.05 has a Monte Carlo error of 0.022",
            "99 willekeurige indelingen: een p-waarde van 0,05 heeft een Monte-Carlofout van 0,022",
        ),
        (
            "the column 'x' is a combination of a, b and 3 more; leave one of them out",
            "de kolom 'x' is een combinatie van a, b en nog 3; laat er één van weg",
        ),
        (
            "name the unit that was drawn by `design: {unit: column}`",
            "noem de eenheid die is geloot met `design: {unit: kolom}`",
        ),
        ("nobody has the outcome '{}'", "niemand heeft de uitkomst '{}'"),
        ("something that no estimator says", None),
    ],
)
def test_a_remark_is_read_whole(english, translated):
    assert dutch(english) == translated


def test_a_page_in_english_leaves_a_remark_as_it_is_and_an_unknown_one_is_shown_too():
    assert Voice("en").said("from Q") == "from Q"
    assert Voice("nl").said("from Q") == "uit Q"
    assert Voice("nl").said("something that no estimator says") == "something that no estimator says"


@pytest.mark.parametrize(("language", "words"), [("nl", "er is geen kolom 'x'"), ("en", "there is no column 'x'")])
def test_the_pages_of_a_stored_result_tell_in_the_language_of_the_reader_why_there_is_no_number(language, words):
    protocol = load_protocol("tilburg")
    stored = {
        "id": protocol.analysis.plan.analyses[0].id,
        "planned": True,
        "method_text": {},
        "details": {},
        "rows": [],
    }
    counts = {"n_used": None, "n_rows": None}
    document = {"analyses": [stored | counts | {"refused": "there is no column 'x'"}]}
    [shown] = reading.analyses(document, protocol, language)
    assert shown.refused == words


def test_every_reason_to_leave_rows_out_has_its_words():
    assert set(LOST) == set(MISSING_ORDER)
