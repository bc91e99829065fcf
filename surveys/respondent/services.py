"""What participants do: open a link, answer, submit. The pages and the demo's simulator use the same functions."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from django.core.exceptions import ImproperlyConfigured

from surveys.instruments.forms import Form, Question
from surveys.questions import unpack
from surveys.respondent import store
from surveys.respondent.route import Route
from surveys.respondent.session import Visit
from surveys.sealing import BadKey, BadLink, Keyring, Seat, open_link
from trialmgr.core import clock, env

LANGUAGES = ("nl", "en")
FORM_SECONDS = 60  # a web process looks again after this time: questions may change until the first answer
Given = str | Sequence[str] | None


@cache
def link_key() -> Keyring:
    """The key that opens links; it can make none that the vault did not mean, for the pseudonym is the vault's."""
    try:
        return Keyring.parse(env.secret("SURVEY_LINK_KEY"))
    except BadKey as error:
        raise ImproperlyConfigured(f"SURVEY_LINK_KEY: {error}") from None


def seat_of(link: str) -> Seat:
    """Whom and which wave a link is for. Raises BadLink for a changed, foreign or expired one alike."""
    seat = open_link(link_key(), link)
    if clock.today() > seat.last_day:
        raise BadLink
    return seat


@dataclass(frozen=True)
class Sitting:
    """A visit with its questions and how far it is; read from the store once per request."""

    visit: Visit
    form: Form

    @cached_property
    def state(self) -> str:
        return store.state(self.visit.person, self.visit.wave)

    @cached_property
    def own(self) -> dict[str, str | None]:
        return store.own_answers(self.visit.person, self.visit.wave, self.visit.secret)

    @cached_property
    def route(self) -> Route:
        place = self.visit.person, self.visit.wave
        return self._route(self.own, store.done_items(*place), store.next_item(*place))

    def save(self, question: Question, given: Given) -> Route | None:
        """Store an answer (None: passed over) and give the way on; None when the questionnaire is no longer open.

        Raises AnswerRefused when the answer does not fit the question.
        """
        value = as_text(question.accept(given))
        before = self.route
        after = self._route(self.own | {question.code: value}, {*before.done, question.code}, before.reached)
        saved = store.save_answer(
            self.visit.person,
            self.visit.wave,
            item=question.code,
            value=value,
            free=is_free(question),
            device=self.visit.device,
            upcoming=after.pending.code if after.pending else "",
        )
        return after if saved else None

    def submit(self) -> None:
        """Hand in; a second time nothing happens."""
        store.submit(self.visit.person, self.visit.wave)

    def _route(self, own: Mapping[str, str | None], done: Iterable[str], reached: str | None) -> Route:
        answers = {code: as_answer(self.form.question(code), value) for code, value in own.items()}
        return Route(self.form, answers, frozenset(done), reached)


def sitting_of(visit: Visit) -> Sitting | None:
    """The questions of a visit in its language; None when the wave is unknown."""
    form = form_of(visit.wave, visit.language)
    return None if form is None else Sitting(visit, form)


def form_of(wave: int, language: str) -> Form | None:
    """What a wave asks, in this language or else in one it has; None for a wave that does not exist."""
    return _form_of(wave, language, int(time.monotonic() // FORM_SECONDS))


def as_text(answer: str | Sequence[str] | None) -> str | None:
    """An answer as the store keeps it: several codes stand with spaces between them."""
    return answer if answer is None or isinstance(answer, str) else " ".join(answer)


def as_answer(question: Question, value: str | None) -> str | tuple[str, ...] | None:
    return tuple(value.split(" ")) if value and question.kind == "multiple" else value


def is_free(question: Question) -> bool:
    """Whether the answer is in the person's own words; such answers are kept apart."""
    return question.kind in ("text", "long_text")


def answer_questionnaire(link: str, answers: Mapping[str, Given], *, submit: bool = True) -> bool:
    """Answer one questionnaire as a participant would: the questions that apply, in order, then submit.

    A question without an entry in `answers` is passed over; with `submit=False` the person stops after the last
    entry. True when this call submitted, or saved without submitting. Raises BadLink, AnswerRefused.
    """
    return answer_questionnaires([(link, answers)], submit=submit) == 1


def answer_questionnaires(sheets: Iterable[tuple[str, Mapping[str, Given]]], *, submit: bool = True) -> int:
    """Answer many questionnaires over one connection, each in two statements; gives how many were taken.

    Same rules and same database functions as the pages. Raises BadLink, AnswerRefused.
    """
    return sum(_answer_sheet(link, answers, submit=submit) for link, answers in sheets)


def _answer_sheet(link: str, answers: Mapping[str, Given], *, submit: bool) -> bool:
    seat = seat_of(link)
    visit = Visit(seat.pseudonym, seat.wave, LANGUAGES[0])
    form = form_of(seat.wave, visit.language)
    if form is None:
        raise BadLink
    given: dict[str, str | tuple[str, ...] | None] = {}
    asked: list[Question] = []
    last = max((place for place, question in enumerate(form.questions) if question.code in answers), default=-1)
    for place, question in enumerate(form.questions):
        if question.when is None or question.when.holds(given):
            asked.append(question)
            if place > last and not submit:
                break  # this one comes up next
            given[question.code] = question.accept(answers.get(question.code))
    upcoming = [*(question.code for question in asked[1:]), ""]
    sheet = [
        (question.code, as_text(given[question.code]), is_free(question), code)
        for question, code in zip(asked, upcoming, strict=True)
        if question.code in given
    ]
    saved = store.save_sheet(seat.pseudonym, seat.wave, visit.device, sheet)
    return saved and (not submit or store.submit(seat.pseudonym, seat.wave))


@lru_cache(maxsize=64)
def _form_of(wave: int, language: str, moment: int) -> Form | None:
    text = store.questionnaire(wave)
    return None if text is None else unpack(text, language)
