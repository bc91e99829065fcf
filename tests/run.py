"""Run the tests in groups, each in its own kind of process, on private servers that end with the run.

    python tests/run.py                              everything but the nightly calibration
    python tests/run.py office survey                these groups
    python tests/run.py office -- -k draw -x         what follows -- goes to pytest
    python tests/run.py office -- tests/office/test_draw.py

The directories tests/office, tests/research, tests/survey and tests/vault run as that process, in a fresh
copy of its migrated database; every other directory runs without a process and without a database.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from trialmgr.demo import environment, keys, messages  # noqa: E402
from trialmgr.demo.errors import LaunchError  # noqa: E402
from trialmgr.demo.servers import clone, provision  # noqa: E402

PROCESSES = ("office", "research", "survey", "vault")
ALONE = ("journey", "office", "analysis", "lottery", "research", "survey", "launch", "readme", "vault")
"""Groups that run by themselves, the longest first; the others are quick and share an interpreter."""
HALF = {"office": ("coaching", "mailing", "monitoring")}
"""Directories of a group that run beside the rest of it, in a database of their own."""
QUICK = "quick ones"
NOT_FOR_TESTS = ("TRIALMGR_PROCESS", "PYTHONDONTWRITEBYTECODE")  # many interpreters start: they share what they compile
NO_TESTS = 5  # pytest's exit code when it collected nothing


@dataclass(frozen=True)
class Unit:
    """What one pytest runs: `group` says as which process, `places` are its arguments."""

    name: str
    group: str
    places: list[str]


@dataclass(frozen=True)
class Outcome:
    group: str
    code: int
    output: str

    @property
    def closing_line(self) -> str:
        lines = self.output.strip().splitlines()
        return lines[-1].strip("= ") if lines else "pytest printed nothing"


def main() -> int:
    options, extra = arguments()
    messages.compile_all(ROOT)
    for signum in (signal.SIGINT, signal.SIGTERM):  # a shell may have us ignore Ctrl-C in the background
        signal.signal(signum, signal.default_int_handler)
    with servers(options.groups) as place:
        jobs = [
            (unit.name, command(unit, options, extra), variables(unit, place))
            for unit in shared(options.groups, whole=bool(extra))
        ]
        if len(jobs) == 1:
            return subprocess.run(jobs[0][1], cwd=ROOT, env=jobs[0][2], check=False).returncode
        return together(jobs, options.jobs, filtered=bool(extra))


def arguments() -> tuple[argparse.Namespace, list[str]]:
    known = [path.name for path in sorted((ROOT / "tests").iterdir()) if any(path.glob("**/test_*.py"))]
    known.sort(key=lambda name: (*(name != first for first in ALONE),))
    argv, extra = sys.argv[1:], []
    if "--" in argv:
        argv, extra = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="; ".join(known))
    parser.add_argument("--jobs", type=int, default=1 + (os.cpu_count() or 1), help="groups at a time")
    parser.add_argument("--quick", action="store_true", help="leave out the tests marked slow")
    parser.add_argument("--nightly", action="store_true", help="only the tests marked nightly")
    parser.add_argument("--complete", action="store_true", help="a skipped test is a failure")
    options = parser.parse_args(argv)
    if unknown := set(options.groups) - set(known):
        parser.error(f"no tests in {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    options.groups = options.groups or known
    return options, extra


def shared(groups: list[str], *, whole: bool) -> list[Unit]:
    """The groups by the pytest that runs them: one each, or two for a long one, and one for all quick ones."""
    units = []
    for group in (group for group in groups if group in ALONE):
        second = [] if whole else [f"tests/{group}/{name}" for name in HALF.get(group, ())]
        units += [Unit(f"{group} (2)", group, second)] if second else []
        units += [Unit(group, group, [f"tests/{group}", *(f"--ignore={place}" for place in second)])]
    quick = [group for group in groups if group not in ALONE]
    name = quick[0] if len(quick) == 1 else QUICK
    return units + ([Unit(name, "", [f"tests/{group}" for group in quick])] if quick else [])


def command(unit: Unit, options: argparse.Namespace, extra: list[str]) -> list[str]:
    marked = "nightly" if options.nightly else "not nightly and not slow" if options.quick else "not nightly"
    named = any((ROOT / word.split("::")[0]).exists() for word in extra)
    places = [] if named else unit.places
    return [sys.executable, "-m", "pytest", "-m", marked, "--color=auto", *places, *extra] + (
        ["--no-skips"] if options.complete else []
    )


def variables(unit: Unit, place: environment.Place | None) -> dict[str, str]:
    """The environment of a unit's pytest; its database is made anew."""
    if unit.group not in PROCESSES or place is None:
        return {name: value for name, value in os.environ.items() if name not in NOT_FOR_TESTS} | environment.ONE_THREAD
    database = "test_" + "".join(filter(str.isalnum, unit.name))
    clone(place.clusters[environment.CLUSTER[unit.group]], database)
    return environment.tests(unit.group, place, database)


@contextmanager
def servers(groups: list[str]) -> Iterator[environment.Place | None]:
    """Migrated clusters and brokers in a private directory, when a group needs them."""
    if not set(groups) & set(PROCESSES):
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="trialmgr-tests-"))
    home.chmod(0o711)  # the account that PostgreSQL runs under must get through
    place = environment.Place.at(home, sync=False)
    clusters = {environment.CLUSTER[group] for group in groups if group in PROCESSES}
    running = [place.clusters[name] for name in sorted(clusters)] + list(place.brokers.values())
    try:
        keys.ensure(home / "keys")
        (home / "static").mkdir()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: (server.create(), server.start()), running))
            list(pool.map(lambda name: prepare(place, name), clusters))
        yield place
    finally:
        for server in running:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)


def prepare(place: environment.Place, cluster: str) -> None:
    """Roles, database, migrations and rights, by the same commands as in production."""
    provision(place.clusters[cluster])
    for work in (["migrate", "--verbosity=0"], ["grants", "--apply"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *work],
            cwd=ROOT,
            env=environment.migrate(cluster, place),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LaunchError(f"manage.py {' '.join(work)} failed for {cluster}:\n{done.stderr.strip()}")


def together(units: list[tuple[str, list[str], dict[str, str]]], at_a_time: int, *, filtered: bool) -> int:
    """Run the groups, some at a time; print the whole output of those that fail and the closing lines of all."""
    begin = time.monotonic()

    def run(unit: tuple[str, list[str], dict[str, str]]) -> Outcome:
        group, argv, env = unit
        say(f"{group:12} begins")
        done = subprocess.run(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return Outcome(group, done.returncode, done.stdout.decode("utf-8", "replace"))

    outcomes = []
    with ThreadPoolExecutor(at_a_time) as pool:
        for future in as_completed([pool.submit(run, unit) for unit in units]):
            outcome = future.result()
            outcomes.append(outcome)
            bad = failed(outcome, filtered=filtered)
            say(outcome.output if bad else f"{outcome.group:12} {outcome.closing_line}")
    lost = [outcome for outcome in outcomes if failed(outcome, filtered=filtered)]
    say(f"\n{len(outcomes)} groups in {time.monotonic() - begin:.0f} s, {len(lost)} failed")
    for outcome in lost:
        say(f"{outcome.group:12} {outcome.closing_line}")
    return 1 if lost else 0


def failed(outcome: Outcome, *, filtered: bool) -> bool:
    return outcome.code not in ({0, NO_TESTS} if filtered else {0})


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LaunchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped")
