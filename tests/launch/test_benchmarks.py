"""The benchmarks start: as the processes whose pages they measure, and only those that there are."""

import subprocess
import sys

import pytest

from bench import web
from tests.running_demo import ROOT
from trialmgr.demo.environment import LOGIN, Place


@pytest.mark.parametrize("process", ["office", "survey"])
def test_pages_are_measured_as_their_own_process_under_the_limits_of_production(process, tmp_path, monkeypatch):
    monkeypatch.setattr(web.of_tests("run.py"), "clone", lambda cluster, copy: None)
    given = web.as_process(process, Place.at(tmp_path))
    assert (given["TRIALMGR_PROCESS"], given["TESTS_LOGIN"]) == (process, LOGIN[process])
    assert "TRIALMGR_STATEMENT_SECONDS" not in given


def test_a_benchmark_that_there_is_not_is_refused_with_those_that_there_are():
    line = [sys.executable, "bench/run.py", "money", "nosuch"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("no benchmark is called nosuch; there are estimators, ")
