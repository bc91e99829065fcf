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
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from trialmgr.core import messages  # noqa: E402
from trialmgr.demo import environment, keys  # noqa: E402
from trialmgr.demo.errors import LaunchError  # noqa: E402
from trialmgr.demo.servers import clone, provision  # noqa: E402

PROCESSES = ("office", "research", "survey", "vault")
QUICK = "quick ones"
ALONE = ("journey", "office", "analysis", "lottery", QUICK, "survey", "research", "launch", "readme", "vault")
"""Groups that run by themselves, in the order they begin; the others are quick and share an interpreter."""
HALF = {"office": ("coaching", "mailing", "monitoring")}
"""Directories of a group that run beside the rest of it, in a database of their own."""
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
    units = shared(options.groups, whole=bool(extra))
    if len(units) > 1:
        return together(units, options, extra)
    with servers(options.groups) as place:
        return subprocess.run(
            command(units[0], options, extra), cwd=ROOT, env=variables(units[0], place), check=False
        ).returncode


def arguments() -> tuple[argparse.Namespace, list[str]]:
    known = [path.name for path in sorted((ROOT / "tests").iterdir()) if any(path.glob("**/test_*.py"))]
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
    quick = [group for group in groups if group not in ALONE]
    units = []
    for group in ALONE:
        second = [] if whole else [f"tests/{group}/{name}" for name in HALF.get(group, ())]
        if group in groups and second:
            units += [Unit(f"{group} (2)", group, second)]
        if group in groups:
            units += [Unit(group, group, [f"tests/{group}", *(f"--ignore={place}" for place in second)])]
        if group == QUICK and quick:
            units += [Unit(quick[0] if len(quick) == 1 else QUICK, "", [f"tests/{group}" for group in quick])]
    return units


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
        return {
            name: value for name, value in os.environ.items() if name != "TRIALMGR_PROCESS"
        } | environment.ONE_THREAD
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


def together(units: list[Unit], options: argparse.Namespace, extra: list[str]) -> int:
    """Run the units, some at a time; print the whole output of those that fail and the closing lines of all."""
    begin = time.monotonic()
    place: Future[environment.Place | None] = Future()
    begun: list[subprocess.Popen[bytes]] = []

    def run(unit: Unit) -> Outcome:
        env = variables(unit, place.result() if unit.group in PROCESSES else None)
        say(f"{unit.name:12} begins")
        argv = command(unit, options, extra)
        process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        begun.append(process)
        output, _nothing = process.communicate()
        return Outcome(unit.name, process.returncode, output.decode("utf-8", "replace"))

    with ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(run, unit) for unit in units]
        try:
            with servers(options.groups) as made:
                place.set_result(made)
                outcomes = [told(future.result(), filtered=bool(extra)) for future in as_completed(running)]
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not place.done():
                place.set_exception(error)
            for process in begun:
                process.terminate()
            raise
    lost = [outcome for outcome in outcomes if failed(outcome, filtered=bool(extra))]
    say(f"\n{len(outcomes)} groups in {time.monotonic() - begin:.0f} s, {len(lost)} failed")
    for outcome in lost:
        say(f"{outcome.group:12} {outcome.closing_line}")
    return 1 if lost else 0


def told(outcome: Outcome, *, filtered: bool) -> Outcome:
    say(outcome.output if failed(outcome, filtered=filtered) else f"{outcome.group:12} {outcome.closing_line}")
    return outcome


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
