"""Run a management command as one of the processes of the demo.

python -m trialmgr.demo.manage office audit_verify
python -m trialmgr.demo.manage research --login research_migrate grants --lint
python -m trialmgr.demo.manage office backup /tmp/office-backup

Without --login it is the login that the command needs in production: the web's for most.
"""

import os
import sys
from pathlib import Path

from trialmgr.demo import environment
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.reset import HOME, ROOT

ENDINGS = {"backup": "backup", "restore": "migrate", "migrate": "migrate"}  # of the logins that commands need


def main(argv: list[str]) -> None:
    process, *work = argv or [""]
    if process not in (*environment.CLUSTER, "study"):
        raise LaunchError(f"name a process first: {', '.join(environment.CLUSTER)} or study")
    login = None
    if work[:1] == ["--login"] and len(work) > 1:
        login, work = work[1], work[2:]
    place = environment.Place.at(Path(HOME), port_base=environment.port_base())
    variables = environment_for(process, work, place, login)
    if not (place.home / "keys").is_dir():
        raise LaunchError(f"no demo was started here ({place.home}): run `make demo` first")
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "manage.py", *work], variables)


def environment_for(process: str, work: list[str], place: environment.Place, login: str | None) -> dict[str, str]:
    """What the command needs, under the named login or the one that it has in production."""
    if process == "study":
        return environment.study(place)
    command = work[0] if work and process in environment.KEEPERS else ""
    if login is None and command in ENDINGS:
        login = f"{process}_{ENDINGS[command]}"
    key = {"TRIALMGR_RESTORE_KEY_FILE": str(place.home / "keys" / f"{process}-backup")} if command == "restore" else {}
    return environment.of(process, place, login=login) | key


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
