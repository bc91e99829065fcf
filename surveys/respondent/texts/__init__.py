"""Every word that participants read outside the questions themselves: one file per language, each complete."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from trialmgr.core.documents import read_document, validate

HERE = Path(__file__).parent


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Promise(Words):
    """What is secret for whom; `but` names who can see all the same, '' when nobody can alone."""

    start: str
    thanks: str
    privacy: list[str]
    but: str


class Promises(Words):
    """The promise at each level of deployment (docs/privacy.md): how far apart the sides are run."""

    L0: Promise
    L1: Promise
    L2: Promise


class Texts(Words):
    """The words of one language. A missing or superfluous one stops the start."""

    language_name: str
    direction: str
    skip_link: str
    site: str
    demo: str
    help_phone: str
    help_no_phone: str
    privacy_link: str
    accessibility_link: str
    choose_language: str
    error_prefix: str
    error_title: str
    how_is_that: str

    start_title: str
    start_who: str
    start_sender: str
    start_time: str
    start_stop: str
    start_save: str
    start_unfinished: str
    start_cookie: str
    start_button: str

    part: str
    question_title: str
    next_button: str
    back_link: str
    later_button: str
    skip_title: str
    skip_text: str
    skip_button: str
    skip_again: str
    elsewhere: str
    elsewhere_again: str
    free_hint: str
    date_hint: str
    number_label: str
    text_label: str
    date_label: str
    more_answers: str
    not_saved: str

    later_title: str
    later_text: list[str]
    later_back: str
    later_leave: str
    left_title: str

    end_title: str
    end_text: list[str]
    end_skipped: str
    end_button: str

    thanks_title: str
    thanks_sent: str
    thanks_close: str
    unsure_text: list[str]

    closed_title: str
    closed_text: list[str]

    missing_title: str
    missing_text: list[str]
    missing_phone: str
    missing_no_phone: str
    lost_title: str
    lost_text: list[str]
    lost_answer: str
    code_title: str
    code_text: list[str]
    code_label: str
    code_hint: str
    code_button: str
    code_wrong: str

    failed_title: str
    failed_text: list[str]
    refused_title: str
    refused_text: list[str]

    promise: Promises
    privacy_title: str
    privacy_back: str
    privacy_town: str
    privacy_town_has: str
    privacy_vault: str
    privacy_vault_has: str
    privacy_research: str
    privacy_research_has: str
    privacy_more_title: str
    privacy_more: list[str]

    accessibility_title: str
    accessibility_text: list[str]
    accessibility_known_title: str
    accessibility_known: list[str]


@cache
def catalogue() -> Mapping[str, Texts]:
    """The texts of each language by its code, Dutch first."""
    files = sorted(HERE.glob("*.yaml"), key=lambda path: (path.stem != "nl", path.stem))
    return MappingProxyType({path.stem: validate(Texts, read_document(path)) for path in files})
