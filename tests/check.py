"""`make check`: everything that can be said about the code without running its tests, two checks at a time."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import run  # noqa: E402

from trialmgr.core import messages  # noqa: E402
from trialmgr.demo import environment  # noqa: E402
from trialmgr.demo.errors import LaunchError  # noqa: E402
from trialmgr.processes import DEMO_ONLY  # noqa: E402

BIN = Path(sys.executable).parent
PROCESSES = ("office", "survey", "research", "vault")


@dataclass(frozen=True)
class Check:
    name: str
    work: Callable[[], str]  # '' when all is well, else what is wrong


def main() -> int:
    os.environ.pop("TRIALMGR_PROCESS", None)
    with run.servers(["office", "research"]) as place:
        assert place
        prepare_release(place)
        checks = [*static(), *in_process(place)]
        begin = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(report, checks))
    bad = results.count(False)
    run.say(f"\n{len(checks)} checks in {time.monotonic() - begin:.0f} s, {bad} failed")
    return 1 if bad else 0


def static() -> list[Check]:
    tools = {
        "format": ["ruff", "format", "--check", "--quiet", "."],
        "lint": ["ruff", "check", "--quiet", "."],
        "types": ["mypy"],
        "import contracts": ["lint-imports"],
        "templates": ["djlint", "--lint", "--quiet", "templates", "surveys", "analysis", "coaching", "trialmgr"],
    }
    found = [Check(name, tool(*argv)) for name, argv in tools.items()]
    return [
        *reversed(found),  # the slow ones first
        Check("vendored files", vendored),
        Check("translations", lambda: "\n".join(messages.untranslated(ROOT))),
    ]


def in_process(place: environment.Place) -> list[Check]:
    """What Django says of each process, with the environment it has in production."""
    checks = []
    for process in PROCESSES:
        variables = production(process, place)
        deploy = ["check", "--deploy", "--fail-level", "WARNING"]
        checks.append(Check(f"{process}: deployment", manage(variables, *deploy)))
        if process in {"office", "research"}:
            own = environment.migrate(process, place)
            checks.append(Check(f"{process}: migrations", manage(own, "makemigrations", "--check", "--dry-run")))
            checks.append(Check(f"{process}: rights", manage(variables, "grants", "--lint")))
    return checks


def prepare_release(place: environment.Place) -> None:
    """As an operator does before the first start; the processes share one folder of files for browsers here."""
    (place.home / "anchors").mkdir()
    if fault := manage(production("office", place), "prepare_release")():
        raise LaunchError(fault)


def production(process: str, place: environment.Place) -> dict[str, str]:
    variables = {name: value for name, value in environment.of(process, place).items() if name not in DEMO_ONLY}
    addresses = {f"TRIALMGR_{name.upper()}_URL": f"https://{name}.example" for name in ("office", "survey", "research")}
    addresses |= {"VAULT_URL": "https://vault.example"} if process == "office" else {}
    return variables | addresses | {"TRIALMGR_ALLOWED_HOSTS": f"{process}.example"}


def manage(variables: dict[str, str], *work: str) -> Callable[[], str]:
    return shell([sys.executable, "manage.py", *work], variables)


def tool(name: str, *arguments: str) -> Callable[[], str]:
    return shell([str(BIN / name), *arguments], dict(os.environ))


def shell(argv: list[str], variables: dict[str, str]) -> Callable[[], str]:
    def work() -> str:
        done = subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip() or f"exit code {done.returncode}" if done.returncode else ""

    return work


def vendored() -> str:
    """The files of others that we serve are those whose digests were noted when they were taken in."""
    folder = ROOT / "static" / "vendor"
    noted = dict(reversed(line.split(maxsplit=1)) for line in (folder / "SHA256SUMS").read_text("ascii").splitlines())
    served = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in {".js", ".css", ".woff2"}}
    wrong = sorted(served ^ noted.keys())
    changed = [name for name in sorted(served & noted.keys()) if digest(folder / name) != noted[name]]
    return "\n".join(
        [*(f"{name}: noted or served, not both" for name in wrong), *(f"{name}: changed" for name in changed)]
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(check: Check) -> bool:
    begin = time.monotonic()
    fault = check.work()
    run.say(f"{'FAILED' if fault else 'ok':7} {check.name} ({time.monotonic() - begin:.0f} s)")
    if fault:
        run.say("\n".join(f"        {line}" for line in fault.splitlines()))
    return not fault


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LaunchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped")
