"""Which question comes when: on the device that answered, and on another one that cannot see the earlier answers."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from surveys.instruments.conditions import Answer
from surveys.instruments.forms import Form, Question


@dataclass(frozen=True)
class Route:
    """The way through a form.

    `own` holds the answers given on this device, `done` the codes answered on any, `reached` the code that came up
    next at the last save ('' at the end). An answer given elsewhere is known to exist and never shown; where a later
    question hangs on it, it is asked again.
    """

    form: Form
    own: Mapping[str, Answer]
    done: Set[str]
    reached: str | None

    @cached_property
    def pending(self) -> Question | None:
        """The first question still to be answered; None when all are."""
        passed = self._place(self.reached)
        for place, question in enumerate(self.form.questions):
            if question.code in self.done:
                continue
            hidden = self._hidden_gates(question)
            if hidden and place >= passed:
                return self.form.question(hidden[0])
            if not hidden and self._asked(question):
                return question
        return None

    def may_open(self, question: Question) -> bool:
        """Whether a question can be shown now: it was answered and still applies, or it is the one to answer."""
        if self.pending is not None and question.code == self.pending.code:
            return True
        return question.code in self.done and (self._asked(question) or bool(self._hidden_gates(question)))

    def elsewhere(self, question: Question) -> bool:
        """Whether it was answered before, but not on this device."""
        return question.code in self.done and question.code not in self.own

    def needed_again(self, question: Question) -> bool:
        """Whether the way on hangs on an answer that this device cannot see."""
        return self.elsewhere(question) and self.pending is not None and question.code == self.pending.code

    def settled(self, question: Question) -> bool:
        """Whether one may go on without an answer here: it was given elsewhere, or passed over on this device."""
        empty = question.code in self.done and self.own.get(question.code) is None
        return empty and not self.needed_again(question)

    def following(self, question: Question) -> Question | None:
        """What comes next: a question answered on this device, else the one to answer; None at the end."""
        for one in self.form.questions[self.number(question) :]:
            if self.pending is not None and one.code == self.pending.code:
                return one
            if one.code in self.own and self._asked(one):
                return one
        return self.pending

    def before(self, question: Question | None) -> Question | None:
        """The question before this one (None: before the end) that was answered, on whatever device."""
        end = len(self.form.questions) if question is None else self.number(question) - 1
        return next((one for one in reversed(self.form.questions[:end]) if self.may_open(one)), None)

    @property
    def skipped(self) -> tuple[Question, ...]:
        """The questions that were passed over on this device."""
        passed = (one for one in self.form.questions if one.code in self.own and self.own[one.code] is None)
        return tuple(one for one in passed if one.kind != "note" and self._asked(one))

    def number(self, question: Question) -> int:
        """Place of a question in the form, from 1; part of its address."""
        return self._place(question.code) + 1

    def _place(self, code: str | None) -> int:
        if code is None:
            return 0
        return next(
            (place for place, one in enumerate(self.form.questions) if one.code == code), len(self.form.questions)
        )

    def _asked(self, question: Question) -> bool:
        return question.when is None or question.when.holds(self._counting)

    @cached_property
    def _counting(self) -> dict[str, Answer]:
        return self.form.kept(self.own)

    def _hidden_gates(self, question: Question) -> list[str]:
        """Questions that decide whether this one is asked and whose answers stand on another device only."""
        gates = question.when.items() if question.when else ()
        return [code for code in gates if code in self.done and code not in self.own]
