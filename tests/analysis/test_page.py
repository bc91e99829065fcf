"""The page of a plan run: whole, self-contained, readable without pictures, and silent about small numbers."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from django.core.management import call_command

from analysis.estimators.plan_reading import plan_of, read_plan
from analysis.estimators.results import Row
from analysis.estimators.run import run_file, run_plan
from analysis.estimators.tables import table_of
from analysis.report.hiding import HIDDEN, shown_flow
from analysis.report.page import to_html
from analysis.report.words import LOST, STEPS, WORDS, Voice
from trialmgr.core.documents import parse_document

LOG = {"person": "person", "date": "date", "event": "event", "detail": "detail"}
PLAN = {
    "data": {"arm": "arm", "control": "A"},
    "columns": {"work": {"column": "cause", "equals": 1}},
    "analyses": [
        {"id": "start", "method": "balance_table", "covariates": ["x", "sex"]},
        {"id": "raw", "method": "risk_difference", "outcome": "work"},
        {"id": "adjusted", "method": "ols", "outcome": "work", "covariates": ["x"]},
        {"id": "odds", "method": "odds_ratio", "outcome": "work", "exploratory": True},
        {"id": "curve", "method": "kaplan_meier", "time": "day", "event": "work"},
        {"id": "waves", "method": "describe", "outcomes": ["wb1", "wb2"]},
        {"id": "broken", "method": "ols", "outcome": "<b>nowhere</b>"},
    ],
}


class Page(HTMLParser):
    """What a page holds: tags with their attributes, ids, texts of headings."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.styles, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.styles if self.open[-1:] == ["style"] else self.words).append(data)

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def trial(n=240):
    rng = np.random.default_rng(5)
    arm = rng.permutation(np.repeat(["A", "B"], n // 2))
    return {
        "arm": list(arm),
        "x": rng.normal(size=n),
        "sex": list(rng.choice(["m", "v"], n)),
        "cause": np.where(rng.random(n) < 0.3 + 0.2 * (arm == "B"), 1.0, 0.0),
        "day": rng.integers(1, 700, n).astype(float),
        "wb1": rng.normal(5, 1, n),
        "wb2": rng.normal(5, 1, n),
    }


def page_of(plan, data, **options):
    document = parse_document(yaml.safe_dump(plan, sort_keys=False), Path("plan.yaml"))
    read = plan_of(document)
    return to_html(read, run_plan(read, table_of(data)), **options)


@pytest.fixture(scope="module")
def text():
    return page_of(PLAN, trial())


def test_the_page_is_whole_and_needs_nothing_else(text):
    page = Page(text)
    assert page.open == []
    assert not page.all("script")
    assert not page.all("img")
    assert not page.all("link")
    assert all(attrs["href"].startswith("#") for attrs in page.all("a"))
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.tags)


def test_the_policy_allows_this_style_and_nothing_more(text):
    page = Page(text)
    digest = base64.b64encode(hashlib.sha256("".join(page.styles).encode()).digest()).decode()
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_every_chart_has_a_name_and_a_table_with_its_numbers(text):
    page = Page(text)
    charts = page.all("svg")
    assert len(charts) == 4  # effects, ratios, a curve, waves
    assert all(attrs["role"] == "img" and "tabel hieronder" in attrs["aria-label"] for attrs in charts)
    for part in text.split("<figure>")[1:]:
        assert "<table>" in part.split("</figure>")[1].split("<figure>")[0]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_tables_have_captions_and_headings(text):
    page = Page(text)
    assert len(page.all("caption")) == len(page.all("table"))
    assert {attrs["scope"] for attrs in page.all("th")} == {"col", "row"}
    assert page.all("html")[0]["lang"] == "nl"
    regions = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("role") == "region"]
    assert len(regions) == len(set(regions)) == len(page.all("table"))
    assert "graphics-symbol" not in text


def test_the_numbers_are_those_of_the_results(text):
    data = trial()
    work, arm = data["cause"], np.array(data["arm"])
    points = 100 * (work[arm == "B"].mean() - work[arm == "A"].mean())
    shown = f"{points:.1f}".replace("-", "−").replace(".", ",")
    assert f"<td>{shown}</td>" in text
    assert f"<td>{100 * work[arm == 'A'].mean():.1f}</td>".replace(".", ",") in text
    assert "work: cause = 1" in text
    assert "B tegen A" in text
    assert "Van elke 100 deelnemers" in text


def test_a_refused_analysis_is_told_and_its_words_are_harmless(text):
    assert "er is geen kolom &#x27;&lt;b&gt;nowhere&lt;/b&gt;&#x27;; kijk de spelling na" in text
    assert "<b>" not in text


def test_both_languages_are_complete(text):
    english = page_of(PLAN, trial(), language="en")
    assert '<html lang="en">' in english
    assert "Of every 100 participants" in english
    assert "there is no column &#x27;&lt;b&gt;nowhere&lt;/b&gt;&#x27;; check its spelling" in english
    for pairs in (WORDS, STEPS, LOST):
        assert all(nl.strip() and en.strip() for nl, en in pairs.values())
    assert "Welke methode" not in english
    assert "Effecten" not in english


def test_numbers_are_written_as_each_language_does():
    nl, en = Voice("nl"), Voice("en")
    assert (nl.p_value(0.0004), en.p_value(0.0004)) == ("<\u00a00,001", "<\u00a00.001")
    assert (nl.number(-1234.5), nl.number(0.05678), en.number(0.057, percent=True)) == ("−1234", "0,0568", "5.7")
    assert nl.number(None) == nl.number(float("nan")) == "–"


def test_small_numbers_are_not_on_the_page():
    data = trial(60)
    data["cause"][:] = 0
    data["cause"][:3] = 1
    data["arm"][:7] = ["C"] * 7
    page = page_of(PLAN, data, threshold=10)
    assert ", n = 7" not in page
    assert "<td>7</td>" not in page
    assert "Aantallen onder 10 zijn verborgen" in page


def test_a_flow_hides_small_counts_with_what_gives_them_away():
    counts = {"A": (120, 114), "B": (121, 80), "C": (119, 75)}
    rows = [Row("all", "allocated", n=360), Row("all", "received", n=269), Row("all", "not_received", n=91)]
    for arm, (n, received) in counts.items():
        rows += [Row(arm, "allocated", n=n), Row(arm, "received", n=received), Row(arm, "not_received", n=n - received)]
    shown = shown_flow(rows, 10)
    # A: 6 did not receive; one other arm is hidden too, so that the total over arms does not give it
    assert shown["A", "not_received", None, None] == shown["A", "received", None, None] == HIDDEN
    hidden = [arm for arm in counts if shown[arm, "received", None, None] == HIDDEN]
    assert len(hidden) >= 2
    assert shown_flow(rows, 0)["A", "not_received", None, None] == "6"


def test_the_command_writes_the_page_in_the_language_asked_for(tmp_path):
    folder, out = Path(__file__).parents[2], tmp_path / "page.html"
    files = [folder / "docs/examples/analysis/start.yaml", folder / "tests/analysis/reference/balance/people.csv"]
    told = StringIO()
    options = {"format": "html", "language": "en", "small_cells": 10, "out": out, "stderr": told}
    call_command("analyse", *map(str, files), **options)
    assert "Counts below 10 are hidden" in out.read_text()
    with pytest.raises(SystemExit):
        call_command("analyse", *map(str, files), **options | {"small_cells": -1})
    assert "--small-cells: is below 0" in told.getvalue()


def test_the_flow_of_a_log_is_drawn_as_a_table():
    log = {"person": ["1", "2"], "date": ["2018-01-01"] * 2, "event": ["randomised"] * 2, "detail": ["A", "B"]}
    page = page_of({"analyses": [{"id": "flow", "method": "consort_flow", "log": LOG}]}, log)
    assert "Kreeg de aanpak niet" in page


@pytest.fixture(scope="module")
def exits():
    """The page of the example of the documentation, read once."""
    root = Path(__file__).parents[2]
    read = read_plan(root / "docs/examples/analysis/exits.yaml")
    results = run_file(read.path, root / "tests/analysis/reference/survival/exits.csv")
    return re.sub(r"<[^>]+>", "|", re.sub(r"<svg.*?</svg>", "", to_html(read, results, language="nl"), flags=re.DOTALL))


def test_a_dutch_page_names_measures_terms_and_errors_in_dutch(exits):
    for english in ("difference", "incidence", "survival", "quantile", "joint", "ratio,", "standaardfout robust"):
        assert english not in exits
    assert "work_year, verschil, oorzaak 1, tijdstip 365" in exits
    assert "zijn er naar schatting 23 meer uitgestroomd door oorzaak 1" in exits
    assert "robuuste standaardfout" in exits


def test_persons_compared_are_counted_apart_from_those_still_followed(exits):
    after = exits.split("work_year, verschil, oorzaak 1, tijdstip 365|", 1)[1]
    cells = [cell for cell in after.split("|") if cell.strip()]
    assert cells[:4] == ["B tegen A", "cause; day", "240", "87"]


def test_both_ends_of_an_interval_have_as_many_decimals():
    assert Voice("nl").interval(1.2398, 68.79) == "1,2 tot 68,8"
    assert Voice("en").interval(-0.004, 0.731) == "−0.004 to 0.731"


def test_no_covariates_are_called_named_when_none_is(text):
    plan = PLAN | {"analyses": [{"id": "a", "method": "ols", "outcome": "wb1"}]}
    assert "genoemde kenmerken" in text
    assert "genoemde kenmerken" not in page_of(plan, trial())
