"""The page of all methods names each of them once, and leads to a section that explains it."""

import re
from pathlib import Path

import pytest

from analysis.estimators.registry import methods

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "methods.md").read_text()
ROWS = re.findall(r"^\| \[`(\w+)`\]\(([^)#]+)#([^)]+)\) \| (.+) \|$", PAGE, re.MULTILINE)
LINKS = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", PAGE)


def sections(page):
    """The text below each heading of a page, by the anchor that the heading gets."""
    parts = re.split(r"^(#+ .*)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-") for heading in parts[1::2]]
    return dict(zip(anchors, map("".join, zip(parts[1::2], parts[2::2], strict=True)), strict=True))


def test_every_method_is_on_the_page_once_and_no_other():
    assert sorted(name for name, *_ in ROWS) == sorted(methods())


def test_each_line_is_the_sentence_of_the_results():
    assert {name: line for name, _, _, line in ROWS} == {name: item.en for name, item in methods().items()}


@pytest.mark.parametrize(("page", "anchor"), sorted(set(LINKS)))
def test_every_link_leads_somewhere(page, anchor):
    assert (DOCS / page).is_file()
    assert not anchor or anchor in sections(page)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_section_explains_the_method(row):
    name, page, anchor, _ = row
    assert f"`{name}`" in sections(page)[anchor]
