"""Both sides of a small trial saved and put back into fresh clusters; who was erased stays erased."""

from dataclasses import replace
from hashlib import sha256

import psycopg
import pytest

from trialmgr.demo import drill, environment
from trialmgr.demo.servers import SUPERUSER, differences

MARK = "encode(sha256('erased|'::bytea || pseud), 'hex')"


@pytest.fixture(scope="module")
def restored(demo):
    """The demo's place, and the same with fresh clusters that hold what the backups held."""
    place = environment.Place.at(demo.home, port_base=demo.port_base)
    with drill.fresh_clusters() as clusters:
        new = replace(place, clusters=clusters)
        for side in environment.KEEPERS:
            drill.save_and_restore(side, place, new)
        yield place, new


@pytest.mark.parametrize(
    ("side", "table"),
    [
        ("office", "participants_person"),
        ("office", "randomization_allocation"),
        ("office", "coaching_contact"),
        ("research", "answers.poured"),
        ("research", "answers.score"),
        ("research", "study_registration"),
    ],
)
def test_what_people_did_is_there_again(restored, side, table):
    found = []
    for place in restored:
        with psycopg.connect(place.clusters[side].dsn(SUPERUSER)) as connection:
            rows = connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1").fetchall()
            found.append(sha256(repr(rows).encode()).hexdigest() if rows else f"{table} is empty")
    assert found[0] == found[1] != f"{table} is empty"
    assert differences(restored[1].clusters[side]) == []


def test_who_was_erased_after_the_backup_is_erased_again(restored):
    """The vault's list is the only thing that remembers; its process applies it before the survey is opened."""
    _, new = restored
    with psycopg.connect(new.clusters["research"].dsn(SUPERUSER)) as connection:
        pseud, mark = connection.execute(f"SELECT pseud, {MARK} FROM answers.poured ORDER BY 1 LIMIT 1").fetchone()
    ledger = new.home / "vault-state" / "erased"
    before = ledger.read_bytes() if ledger.exists() else b""
    ledger.write_bytes(before + mark.encode() + b"\n")
    try:
        said = drill.manage(["replay_erasures"], environment.of("vault", new))
    finally:
        ledger.write_bytes(before)
    assert said == f"{len({*before.split(), mark.encode()})} erasures applied"
    with psycopg.connect(new.clusters["research"].dsn(SUPERUSER)) as connection:
        for table in ("answers.poured", "answers.poured_text", "answers.score", "answers.complete"):
            assert connection.execute(f"SELECT count(*) FROM {table} WHERE pseud = %s", [pseud]).fetchone() == (0,)
