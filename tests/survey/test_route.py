"""The way through a questionnaire on several devices, tried with any order of answers and devices."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.questions import pack, unpack
from surveys.respondent.route import Route

FORM = unpack(pack(Path(__file__).parent / "data" / "check.yaml", "wave1"), "nl")
STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), min_size=60, max_size=60)


class Store:
    """What the database keeps of one person, and who may see what of it."""

    def __init__(self):
        self.values, self.owner, self.reached = {}, {}, None

    def route(self, device):
        own = {code: value for code, value in self.values.items() if self.owner[code] == device}
        return Route(FORM, own, frozenset(self.values), self.reached)

    def save(self, device, question, value):
        self.values[question.code], self.owner[question.code] = value, device
        pending = self.route(device).pending
        self.reached = pending.code if pending else ""


def value_for(question, pick):
    if question.kind in ("choice", "multiple"):
        code = question.options[pick % len(question.options)].code
        return code if question.kind == "choice" else (code,)
    return None if pick == 2 else str(pick)


@given(STEPS)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_whoever_keeps_answering_gets_to_the_end_with_all_that_applies(steps):
    store = Store()
    for device, pick, back in steps:
        route = store.route(device)
        question = route.pending
        if question is None:
            break
        if back and (earlier := route.before(question)):
            question = earlier
        assert route.may_open(question)
        store.save(device, question, value_for(question, pick))
    device = 9
    for _ in range(len(FORM.questions) + 2):
        question = store.route(device).pending
        if question is None:
            break
        store.save(device, question, value_for(question, 0))
    assert store.route(device).pending is None
    asked = {question.code for question in FORM.asked(store.values)}
    assert asked <= set(store.values)


@given(STEPS)
@settings(derandomize=True, max_examples=40, deadline=None)
def test_on_one_device_the_way_is_that_of_the_form(steps):
    store, answers = Store(), {}
    question = store.route(0).pending
    for _, pick, _ in steps:
        if question is None:
            break
        assert question == FORM.next_after(list(answers)[-1] if answers else None, answers)
        answers[question.code] = value_for(question, pick)
        store.save(0, question, answers[question.code])
        question = store.route(0).following(question)
    assert question is None


@given(STEPS, st.integers(0, 6))
@settings(derandomize=True, max_examples=40, deadline=None)
def test_a_question_beyond_the_one_at_hand_cannot_be_opened(steps, place):
    store = Store()
    for device, pick, _ in steps[:3]:
        pending = store.route(device).pending
        if pending is not None:
            store.save(device, pending, value_for(pending, pick))
    route, question = store.route(5), FORM.questions[place]
    if route.may_open(question):
        assert question.code in store.values or question == route.pending
