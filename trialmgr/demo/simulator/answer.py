"""Participants answer, by the links that stand in their mail. Runs in the survey process."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from surveys.instruments.loading import load_questionnaire
from surveys.respondent.services import answer_questionnaires
from trialmgr.demo.mailbox import Mailbox
from trialmgr.demo.simulator.calendar import SEED, TRIAL

LINK = re.compile(r"/s/([A-Za-z0-9_-]{87})")
SHARE = {"baseline": 0.97, "mid": 0.68}
SUBJECT = {"baseline": "(1 van ", "mid": "(2 van "}


def run(wave: str, mailbox: str) -> None:
    rng = np.random.default_rng([SEED, len(wave)])
    links = [link for link in links_of(wave, Path(mailbox)) if rng.random() < SHARE[wave]]
    form = load_questionnaire(TRIAL, wave, "nl")
    answer_questionnaires((link, dict(_answers(form, rng))) for link in links)


def links_of(wave: str, mailbox: Path) -> Iterator[str]:
    """The newest link of each reader whose mail is about this wave."""
    newest: dict[str, str] = {}
    for mail in Mailbox(mailbox).mails():
        found = LINK.search(mail.body)
        if found and SUBJECT[wave] in mail.subject:
            newest[mail.to] = found[1]
    yield from newest.values()


def _answers(form: object, rng: np.random.Generator) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Answers that hang together: somebody who does well says so throughout; a few questions are passed over."""
    mood = float(rng.normal())
    given: dict[str, str | tuple[str, ...]] = {}
    question = form.next_after(None, given)
    while question is not None:
        value = _answer(question, mood, rng)
        if value is not None:
            given[question.code] = value
            yield question.code, value
        question = form.next_after(question.code, given)


def _answer(question: object, mood: float, rng: np.random.Generator) -> str | tuple[str, ...] | None:
    codes = [str(option.code) for option in question.options if not str(option.code).startswith("-")]
    if rng.random() < 0.02:
        return None
    if question.kind == "choice":
        place = (len(codes) - 1) * (0.58 + 0.16 * (0.7 * mood + 0.7 * float(rng.normal())))
        return codes[int(np.clip(round(place), 0, len(codes) - 1))]
    if question.kind == "multiple":
        return (codes[int(rng.integers(len(codes)))],)
    return str(int(rng.integers(1, 12))) if question.kind in {"integer", "decimal"} else None
