"""What holds for every template."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
DAY = re.compile(r"\|(?:day|moment)\b(?!\|striptags)")
INSIDE = re.compile(r'="[^"]*"|{% block title %}.*?{% endblock %}')


def test_a_day_is_an_element_and_stands_in_no_attribute_or_title():
    pages = {path: path.read_text("utf-8") for path in TEMPLATES.rglob("*.html")}
    assert sum(len(DAY.findall(text)) for text in pages.values()) > 20
    found = [(path.name, part) for path, text in pages.items() for part in INSIDE.findall(text) if DAY.search(part)]
    assert not found
