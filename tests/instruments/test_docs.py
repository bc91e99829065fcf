"""The page for researchers says what happens."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from surveys.instruments.loading import load_instrument, load_questionnaire, pack_ids

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "instruments.md").read_text("utf-8")


def test_the_first_command_prints_what_the_page_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = re.search(r"```text\n\$ python manage\.py (score mhi5 .*)\n((?:.*\n)*?)```", PAGE)
    out = io.StringIO()
    call_command(*shown[1].split(), stdout=out)
    assert out.getvalue() == shown[2]


def test_the_import_on_the_page_prints_what_the_page_shows_and_comes_back(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    shown = re.search(r"(instrument import \S+) --out intake\.yaml\n(note: .*)\n", PAGE)
    out, err = io.StringIO(), io.StringIO()
    call_command(*shown[1].split(), "--out", str(tmp_path / "intake.yaml"), stdout=out, stderr=err)
    assert err.getvalue().splitlines() == [shown[2]]
    call_command("instrument", "export", str(tmp_path / "intake.yaml"), "--to", "redcap", stdout=out)
    source = (ROOT / shown[1].split()[-1]).read_text("utf-8")
    assert out.getvalue().replace("\r\n", "\n") == source


def test_the_examples_on_the_page_are_sound():
    folder = ROOT / "docs" / "examples" / "instruments"
    assert load_instrument(folder / "evening.yaml").scores
    codes = [question.code for question in load_questionnaire(folder / "survey.yaml", "end", "nl").questions]
    assert codes == ["life_grade", "evening_rest", "evening_worry", "trust_municipality"]


@pytest.mark.parametrize("name", pack_ids())
def test_every_pack_stands_in_the_table(name):
    assert f"`{name}`" in PAGE


def test_the_python_on_the_page_runs():
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    names = {}
    frame = "import pandas as pd\nframe = pd.read_csv('docs/examples/instruments/answers.csv')\n"
    exec(compile(frame.replace("docs/", f"{ROOT}/docs/") + code, "instruments.md", "exec"), names)
    assert names["question"].code == "cantril_now"
    assert names["answers"] == {"cantril_now": "7"}
    assert names["scored"].values["mhi5"][0] == 60
