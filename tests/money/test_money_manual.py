"""What the manual shows is what the program prints."""

import io
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from coaching.money.checks import case_of
from coaching.money.rulebook import rulebook
from trialmgr.core.documents import parse_document

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs/money.md").read_text("utf-8")
SHOWN = re.findall(r"```text\n\$ python manage\.py money (.+)\n((?:.*\n)*?)```", MANUAL)


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_what_the_manual_shows_is_printed_in_that_order(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    out = io.StringIO()
    call_command("money", *shlex.split(command), stdout=out)
    printed = out.getvalue().splitlines()
    for line in shown.splitlines():
        assert line in printed
        printed = printed[printed.index(line) + 1 :]


def test_the_first_case_of_the_manual_is_the_example() -> None:
    first = re.search(r"```yaml\n(household: T-0412\n(?:.*\n)*?)```", MANUAL)
    assert first is not None
    example = (ROOT / "docs/examples/money/single.yaml").read_text("utf-8")
    assert first[1] in example
    assert case_of(parse_document(first[1])).household == "T-0412"


def test_every_rule_and_premium_on_file_stands_in_the_manual() -> None:
    names = [rule.id for regime in rulebook().regimes.values() for rule in regime.rules] + list(rulebook().bonuses)
    assert [name for name in names if f"`{name}`" not in MANUAL and name != "decree-2017-pension"] == []


def test_the_manual_shows_a_run_of_most_examples() -> None:
    assert len({shlex.split(command)[1] for command, _ in SHOWN}) >= 5
