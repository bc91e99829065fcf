"""The restore drill on the running demo: back up both sides, put them back into fresh clusters, see whether all holds.

python -m trialmgr.demo.drill

The demo goes on meanwhile and is not changed. Exit 1 when a step fails or something differs.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from trialmgr.demo import environment
from trialmgr.demo.environment import KEEPERS, Place
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.reset import HOME, ROOT
from trialmgr.demo.servers import Cluster, provision


def main() -> None:
    begin = time.monotonic()
    place = Place.at(HOME, port_base=environment.port_base())
    if not all(cluster.answers() for cluster in place.clusters.values()):
        raise LaunchError(f"no demo runs in {HOME}: start it first, with `make demo`")
    with fresh_clusters() as clusters, ThreadPoolExecutor() as pool:
        new = replace(place, clusters=clusters)
        list(pool.map(lambda side: save_and_restore(side, place, new), KEEPERS))
        say("vault", manage(["replay_erasures"], environment.of("vault", new)))
        for side, said in zip(KEEPERS, pool.map(lambda side: verify(side, new), KEEPERS), strict=True):
            say(side, said)
    say("drill", f"passed in {time.monotonic() - begin:.0f} s")


@contextmanager
def fresh_clusters() -> Iterator[dict[str, Cluster]]:
    """Two new clusters with roles and an empty database each, as an operator makes them; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="trialmgr-drill-"))
    home.chmod(0o711)  # the account that PostgreSQL runs under must get through
    clusters = {name: Cluster(name, home) for name in KEEPERS}
    try:
        for cluster in clusters.values():
            cluster.create()
            cluster.start()
            provision(cluster)
        yield clusters
    finally:
        for cluster in clusters.values():
            cluster.stop()
        shutil.rmtree(home, ignore_errors=True)


def save_and_restore(side: str, place: Place, new: Place) -> None:
    kept = new.clusters[side].home / f"{side}-backup"
    say(side, manage(["backup", str(kept)], environment.of(side, place, login=f"{side}_backup")))
    key = place.home / "keys" / f"{side}-backup"
    say(side, manage(["restore", str(kept), "--key", str(key)], environment.migrate(side, new)))


def verify(side: str, new: Place) -> str:
    variables = environment.of(side, new)
    return manage(["audit_verify"], variables) + "\n" + manage(["verify_privacy"], variables)


def manage(work: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *work], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LaunchError(f"{work[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def say(who: str, text: str) -> None:
    sys.stdout.writelines(f"{who:9} {line}\n" for line in text.splitlines())
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except LaunchError as error:
        sys.exit(str(error))
