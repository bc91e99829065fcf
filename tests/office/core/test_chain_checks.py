"""Each night the chain is walked and the draws are held against it; the pages tell what was found."""

from datetime import timedelta

import pytest

from randomization.models import Allocation, Draw, Status
from randomization.withdrawing import announce_withdrawal, confirm_withdrawal
from tests.office import factories as make
from tests.office.core.test_audit_chain import tamper, verify
from trialmgr.core import anchors, audit, checking, clock
from trialmgr.core.models import ChainCheck, Role
from trialmgr.core.tasks import check_audit

pytestmark = pytest.mark.django_db
PAGES = {Role.AUDITOR: "/t/tilburg/audit/", Role.LEADER: "/t/tilburg/progress/"}


@pytest.fixture
def drawn(tilburg):
    make.make_all_ready(8)
    row = make.make_draw()
    anchors.write()
    return row


@pytest.mark.parametrize("until", ["requested", "committed", "entered", "confirmed", "drawn"])
def test_a_draw_at_each_step_agrees_with_the_chain(tilburg, until):
    make.make_all_ready(4)
    make.make_draw(until=until)
    assert verify()[0] == 0


def test_a_withdrawn_draw_agrees_with_the_chain(tilburg):
    make.make_all_ready(4)
    row = make.make_draw(until="committed")
    announce_withdrawal(draw_id=row.pk, reason="no number", by=make.make_user(Role.STATISTICIAN))
    with clock.at(make.NOW + timedelta(days=30)):
        confirm_withdrawal(draw_id=row.pk, by=make.make_user(Role.LEADER))
    assert verify()[0] == 0


def other(arm):
    return "coaching" if arm != "coaching" else "control"


def test_a_household_put_in_another_group_is_named(drawn):
    one = Allocation.objects.first()
    tamper("UPDATE randomization_allocation SET arm = %s WHERE household_id = %s", other(one.arm), one.pk)
    assert verify() == (1, f"draw:{drawn.pk}: its groups are not those that were told")


def test_a_household_taken_out_of_its_group_is_named(drawn):
    tamper("DELETE FROM randomization_allocation WHERE household_id = %s", Allocation.objects.first().pk)
    assert verify() == (1, f"draw:{drawn.pk}: its groups are not those that were told")


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("UPDATE randomization_draw SET status = 'withdrawn'", "no event tells that it is withdrawn"),
        ("UPDATE randomization_draw SET commitment = repeat('0', 64)", "its commitment is not the one that was told"),
        ("UPDATE randomization_draw SET status = 'confirmed'", "the chain tells draw.drawn, the draw does not"),
    ],
)
def test_a_draw_that_was_changed_by_hand_is_named(drawn, harm, what):
    tamper(harm)
    code, text = verify()
    assert code == 1
    assert f"draw:{drawn.pk}: {what}" in text.splitlines()


def test_a_draw_without_events_and_events_without_a_draw_are_named(drawn):
    made = Draw.objects.create(
        trial_id="tilburg", number=9, round="x", requested_at=make.NOW, requested_by=make.someone()
    )
    audit.record("draw.drawn", "draw:999", by="draw_lots", trial="tilburg")
    code, text = verify()
    assert code == 1
    assert text.splitlines() == [
        "draw:999: the chain tells draw.drawn, the draw does not",
        f"draw:{made.pk}: no event tells that it is {Status.REQUESTED}",
    ]


def banner(role):
    page = make.log_in(make.make_user(role)).get(PAGES[role]).content.decode()
    return page.split("<main")[1].split("<table")[0]


@pytest.mark.parametrize("role", PAGES)
def test_the_night_checks_under_its_own_login_and_the_pages_tell_the_day(drawn, as_role, role):
    assert "was not checked yet" in banner(role)
    with as_role("office_worker"):
        check_audit()
    found = ChainCheck.objects.get()
    assert (found.events, found.anchors, found.faults) == (audit.head()[0], 1, [])
    assert "The audit log holds: it was checked on <time" in banner(role)
    with clock.at(make.NOW + timedelta(days=3)):
        assert "was not checked since" in banner(role)


@pytest.mark.parametrize("role", PAGES)
def test_a_chain_that_does_not_hold_is_told_in_red_with_the_last_day_on_which_it_did(drawn, role, caplog):
    checking.check()
    tamper("UPDATE audit.log SET reason = 'other' WHERE seq = 4")
    with clock.at(make.NOW + timedelta(days=1)):
        checking.check()
        shown = banner(role)
    assert 'class="alert alert-danger" role="alert"' in shown
    assert "event 4: was changed after it was written" in shown
    assert 'it was checked on <time datetime="2018-03-06">' in shown
    assert 'It last held on <time datetime="2018-03-05">' in shown
    assert caplog.messages == ["the audit chain: event 4: was changed after it was written"]


def test_anchors_that_cannot_be_read_are_a_fault_too(drawn, settings, tmp_path):
    settings.ANCHOR_FILE = str(tmp_path / "spoilt")
    (tmp_path / "spoilt").write_text("nine abc\n")
    assert "is not an anchor" in checking.check().faults[0]
