"""A demo that is stopped while it fills goes on where it was."""

import pytest

from participants.models import Household, Step, StepKind
from trialmgr.core import clock
from trialmgr.demo.simulator import calendar, recruit

ANSWERS = (StepKind.SIGNED_UP, StepKind.DECLINED)


@pytest.fixture
def eight_homes(db, monkeypatch):
    """Eight households are invited, and answer three at a time."""
    monkeypatch.setattr(recruit, "HOMES", 8)
    monkeypatch.setattr(recruit, "BATCH", 3)
    monkeypatch.setattr(calendar, "set_present", lambda day, hour=9: None)
    with clock.at(calendar.morning(calendar.INVITED)):
        yield


def test_who_did_not_answer_before_it_was_stopped_answers_after_it(eight_homes, monkeypatch):
    answer = recruit._answer_letter

    def stopped_at_the_fifth(protocol, home, by, rng):
        if home == Household.objects.order_by("pk")[4]:
            raise KeyboardInterrupt
        answer(protocol, home, by, rng)

    monkeypatch.setattr(recruit, "_answer_letter", stopped_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        recruit.run()
    monkeypatch.setattr(recruit, "_answer_letter", answer)
    before = steps()
    assert len({home for home, kind, *_ in before if kind in ANSWERS}) == 3
    recruit.run()
    once = steps()
    assert {home for home, kind, *_ in once if kind in ANSWERS} == set(Household.objects.values_list("pk", flat=True))
    assert [step for step in once if step in before] == before
    recruit.run()
    assert steps() == once


def steps():
    return list(Step.objects.order_by("pk").values_list("person__household", "kind", "person", "day"))
