"""No count of a few persons is shown, and none can be worked out from the others and their total."""

import pytest

from trialmgr.core.small_counts import hidden


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"a": 20, "b": 3, "c": 12}, {"a": 20, "b": None, "c": None}),  # alone it would follow from the total
        ({"a": 20, "b": 3, "c": 4}, {"a": 20, "b": None, "c": None}),
        ({"a": 20, "b": 0, "c": 12}, {"a": 20, "b": 0, "c": 12}),
        ({"a": 20, "b": 0, "c": 9}, {"a": None, "b": 0, "c": None}),
        ({"a": 3, "b": 0}, {"a": None, "b": 0}),
        ({"a": 10, "b": 10}, {"a": 10, "b": 10}),
        ({}, {}),
    ],
)
def test_a_small_count_is_hidden_and_never_by_itself(counts, shown):
    assert hidden(counts, 10) == shown
