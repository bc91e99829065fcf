"""The page for users is tried as they try it: every shell command, in order, in the folder of the examples."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from randomization.lottery.design import Design

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lottery.md").read_text("utf-8")


def commands():
    text = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("cd ")]


@pytest.fixture
def examples(tmp_path):
    """A copy of the examples at the same depth, so that `../../../manage.py` is found."""
    for name in ("manage.py", "randomization", "trialmgr"):
        (tmp_path / name).symlink_to(ROOT / name)
    return Path(shutil.copytree(ROOT / "docs" / "examples" / "lottery", tmp_path / "docs" / "examples" / "lottery"))


def run(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_command_of_the_page_works(examples):
    assert len(commands()) == 9
    for command in commands():
        done = run(command, examples)
        assert done.returncode == 0, command + done.stderr
    said = run("python ../../../randomization/lottery/verify.py trial.json", examples).stdout
    assert said.startswith("verified: ")


@pytest.mark.parametrize("name", ["minimisation", "balance"])
def test_the_further_examples_draw_and_verify(lottery, examples, tmp_path, name):
    record = tmp_path / "r.json"
    words = (examples / "profiles.csv", examples / f"{name}.yaml", "--beacon", "1:" + "ab" * 32, "--out", record)
    code, _said, note = lottery("draw", *words)
    assert (code, note) == (0, "note: nothing was published before this draw, so the secret could have been chosen\n")
    code, said, note = lottery("verify", record)
    assert (code, said.partition(":")[0], note) == (0, "verified", "")


def test_the_list_on_the_page_is_that_of_the_example():
    shown = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL).group(1)
    assert (ROOT / "docs" / "examples" / "lottery" / "households.csv").read_text().startswith(shown)


def test_the_design_on_the_page_is_a_design():
    shown = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1)
    assert Design.from_yaml(shown).arms == ("control", "coaching", "choice")
