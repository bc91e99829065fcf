"""The office's side of the line to the vault: bulk questions only, and nothing of the answers is kept here."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import requests
from django.conf import settings

from trialmgr.core.errors import DomainError

MOST_LINKS = 5_000
SECONDS = 60
SECONDS_FOR_LINKS = 20  # a batch of links takes the vault a moment; whoever sends has little time to lose


class VaultDown(DomainError):
    """The vault does not answer; what was asked waits and is asked again."""


class VaultRefused(DomainError):
    """The vault answered that it does not do this: too few persons, or too soon."""


class WaveUnknown(VaultRefused):
    """The research side has not opened this wave yet."""


REFUSALS = {400: VaultRefused, 404: WaveUnknown, 422: VaultRefused, 429: VaultRefused}


def seal(*, study: str, wave: str, last_day: date, pids: Sequence[str]) -> list[str]:
    """A fresh link for each person, in order."""
    links: list[str] = []
    for start in range(0, len(pids), MOST_LINKS):
        part = list(pids[start : start + MOST_LINKS])
        body = {"study": study, "wave": wave, "last_day": last_day.isoformat(), "pids": part}
        links += ask("seal", body)["links"]
    return links


def status(*, study: str, wave: str, pids: Sequence[str]) -> list[str]:
    """Those of the persons who have submitted. The vault refuses fewer than 20, and twice within 20 hours."""
    found: list[str] = ask("status", {"study": study, "wave": wave, "pids": list(pids)})["submitted"]
    return found


def erase(*, study: str, pid: str) -> None:
    ask("erase", {"study": study, "pid": pid})


def load(*, run: str, study: str, rows: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> None:
    """Hand over the outcomes of one approved run."""
    ask("load", {"run": run, "study": study, "rows": list(rows), "extra": dict(extra)})


def fetch(address: str, **query: str) -> Any:
    return _done("GET", address, params=query)


def ask(address: str, body: Mapping[str, Any]) -> Any:
    return _done("POST", address, json=body)


def _done(method: str, address: str, **content: Any) -> Any:
    headers = {"Authorization": f"Bearer {settings.VAULT_TOKEN}"}
    url, seconds = f"{settings.VAULT_URL}/{address}", SECONDS_FOR_LINKS if address == "seal" else SECONDS
    try:
        reply = requests.request(method, url, headers=headers, timeout=seconds, allow_redirects=False, **content)
        told = reply.json() if reply.ok or reply.status_code in REFUSALS else {}
    except requests.RequestException as error:  # also what is no JSON: a proxy answered in the vault's place
        raise VaultDown(f"the vault does not answer ({type(error).__name__})") from None
    if reply.status_code in REFUSALS:
        raise REFUSALS[reply.status_code](str(told.get("refused", "refused")))
    if not reply.ok:
        raise VaultDown(f"the vault answers with status {reply.status_code}")
    return told
