"""What the front pages promise: commands that run as written, links that lead somewhere, pictures that load fast."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FRONT = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = sorted([*(ROOT / name for name in FRONT), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
LARGEST_PICTURE = 150_000  # bytes


def of_files() -> list[str]:
    """The commands in backticks under 'Use a part of it' that need no running demo."""
    part = README.split("## Use a part of it")[1].split("On a running demo")[0]
    return re.findall(r"`(python3? (?:manage|randomization)[^`]+)`", part)


@pytest.mark.slow
def test_every_command_of_the_readme_runs_as_written_and_in_that_order(tmp_path):
    for name in ("docs", "tests", "manage.py", "randomization"):
        (tmp_path / name).symlink_to(ROOT / name)
    assert len(of_files()) > 10
    for line in of_files():
        words = [sys.executable, *shlex.split(line)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout or "--out" in line, line
    assert {path.name for path in tmp_path.iterdir()} >= {"record.json", "record.secret", "intake.yaml", "evening.xlsx"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_or_heading_leads_there(page):
    for link in (first or second for first, second in LINK.findall(page.read_text("utf-8"))):
        if link.startswith(("http:", "https:")):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """The anchors that hosts of repositories make of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_pictures_are_small_and_all_of_them_are_shown():
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < LARGEST_PICTURE, picture.name
        assert f"docs/pictures/{picture.name}" in README


def test_every_decision_is_listed():
    listed = (ROOT / "docs" / "index.md").read_text("utf-8")
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [path.name for path in decisions] == re.findall(r"\(adr/([^)]+)\)", listed)


def test_every_demo_account_of_the_readme_exists():
    from trialmgr.demo.simulator import __file__ as simulator

    source = Path(simulator).with_name("accounts.py").read_text("utf-8")
    named = set(re.findall(r"\w+@demo\.example", README))
    assert named - {"coach1@demo.example"} == set(re.findall(r"\"(\w+@demo\.example)\"", source))
    assert "proef-in-vertrouwen" in source
    assert "proef-in-vertrouwen" in README
