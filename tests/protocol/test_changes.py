"""What an amendment changes is named by the codes of the protocol, not by places in a list."""

import copy

import pytest

from trialmgr.protocol.changes import changes, undone


def amended(draft, *puts):
    """The protocol before and after the puts."""
    before = draft.checked().protocol
    after = copy.deepcopy(draft)
    for place, value in puts:
        after.put(place, value)
    checked = after.checked()
    assert checked.protocol is not None, checked.faults
    return before, checked.protocol


def test_nothing_changed_is_an_empty_list(draft):
    assert changes(*amended(draft)) == []


def test_a_change_deep_inside_is_named_by_codes(draft):
    found = changes(*amended(draft, ("arms.0.provisions.1.percent", 40), ("waves.1.minutes", 25)))
    assert [(change.key, change.before, change.after) for change in found] == [
        ("arms.self_direction.provisions.disregard.percent", "50", "40"),
        ("waves.mid.minutes", 20, 25),
    ]


def test_another_order_of_arms_is_no_change(draft):
    arms = draft.get("arms")
    assert changes(*amended(draft, ("arms", [arms[3], *arms[:3]]))) == []


def test_a_new_reminder_shows_the_list_before_and_after(draft):
    (change,) = changes(*amended(draft, ("waves.1.reminders", [{"after_days": 7, "by": "email"}])))
    assert change.key == "waves.mid.reminders"
    assert [len(change.before), len(change.after)] == [3, 1]


def test_a_new_round_stands_beside_nothing(draft):
    second = draft.get("rounds.0") | {"code": "second"}
    (change,) = changes(*amended(draft, ("rounds", [draft.get("rounds.0"), second])))
    assert (change.key, change.before, change.after["code"]) == ("rounds.second", None, "second")


@pytest.mark.parametrize(
    ("puts", "where"),
    [
        ([("rounds.0.code", "other")], "rounds.first"),
        ([("sites.0.code", "other")], "sites.tilburg"),
        (
            [
                ("arms.3.code", "ordinary"),
                ("rounds.0.ratio", {"self_direction": 1, "coaching": 1, "coaching_disregard": 1, "ordinary": 1}),
                ("analysis.comparator", "ordinary"),
                ("analysis.plan.data.control", "ordinary"),
            ],
            "arms.control",
        ),
    ],
)
def test_what_people_were_drawn_or_asked_under_stays(draft, puts, where):
    assert undone(*amended(draft, *puts))[0].where == where


def test_dates_texts_and_new_parts_may_be_amended(draft):
    assert undone(*amended(draft, ("embargo.until", "2020-09-01"), ("rounds.0.closes", "2018-06-30"))) == []
