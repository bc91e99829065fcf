"""The same bytes in every Python from 3.11 on that this machine has, without a package installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from randomization.lottery.design import Design
from tests.lottery import vectors
from tests.lottery.conftest import DESIGNS, design_of, drawn_record, rows_for

HERE = Path(__file__).parent


def interpreters():
    """One for each version: those on the path, and those that pyenv keeps beside them."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {"3.11" if sys.version_info < (3, 12) else "running": sys.executable}
    for minor in range(11, 20):
        kept = sorted(root.glob(f"versions/3.{minor}.*/bin/python3"))
        on_path = shutil.which(f"python3.{minor}")
        if kept or (on_path and "shims" not in on_path):
            found[f"3.{minor}"] = str(kept[-1] if kept else on_path)
    return found


@pytest.mark.parametrize(("version", "python"), interpreters().items())
def test_the_vectors_hold(version, python, tmp_path):
    record = tmp_path / "record.json"
    record.write_text(drawn_record(Design.from_params(vectors.PARAMS), vectors.UNITS).to_json())
    words = [python, "-I", str(HERE / "replay_vectors.py"), str(record)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("verified\n")
    assert version == "running" or done.stdout.startswith(version)


@pytest.mark.parametrize("python", interpreters().values())
def test_the_bare_verifier_replays_every_method(python, tmp_path):
    verifier = HERE.parents[1] / "randomization" / "lottery" / "verify.py"
    for name in DESIGNS:
        design, path = design_of(name), tmp_path / f"{name}.json"
        record = json.loads(drawn_record(design, rows_for(design)).to_json())
        path.write_text(json.dumps(record))
        said = subprocess.check_output([python, "-I", "-S", str(verifier), str(path)])
        assert said.startswith(b"verified: 24 units drawn again, same groups\n")
