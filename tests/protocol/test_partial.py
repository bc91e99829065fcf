"""An unreadable part stops whoever looks at it, and nothing else."""

import pytest

from trialmgr.protocol.partial import UNREAD, UndecidableError, read_partly
from trialmgr.protocol.schema import Arm, Protocol


def test_readable_parts_of_a_faulty_arm_are_kept(draft):
    draft.put("arms.0.contact.every_weeks", "often").put("arms.0.provisions.1.percent", "half")
    arm = read_partly(Arm, draft.get("arms.0"))
    assert (arm.code, arm.contact.by) == ("self_direction", "phone")
    assert arm.kinds == {"exemption", "disregard", "bonus"}
    with pytest.raises(UndecidableError):
        _ = arm.contact.every_weeks > 3
    with pytest.raises(UndecidableError):
        _ = arm.provisions[1].percent + 1


@pytest.mark.parametrize("look", [bool, len, hash, list, lambda part: part == 1])
def test_every_look_at_an_unread_part_stops(look):
    with pytest.raises(UndecidableError):
        look(UNREAD)


def test_optional_parts_that_are_not_there_have_their_default(draft):
    del draft.data["privacy"]
    protocol = read_partly(Protocol, draft.data | {"start": "soon"})
    assert protocol.privacy.minimum_cell == 10
    with pytest.raises(UndecidableError):
        _ = protocol.start < protocol.end


def test_a_provision_of_no_known_kind_is_unread(draft):
    draft.put("arms.0.provisions.0.kind", "gift")
    arm = read_partly(Arm, draft.get("arms.0"))
    with pytest.raises(UndecidableError):
        _ = arm.kinds
