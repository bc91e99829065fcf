"""The pages of the draw, for the two who carry it out and for everybody."""

from datetime import timedelta

import pytest

from randomization import drawing, freezing, views
from randomization.models import Allocation, Draw
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """There is none to wait for."""
    monkeypatch.setattr(views, "MOMENT", 0)


@pytest.fixture
def statistician(tilburg):
    return make.log_in(make.make_user(Role.STATISTICIAN))


@pytest.fixture
def leader(tilburg):
    return make.log_in(make.make_user(Role.LEADER))


def page(response):
    return response.content.decode()


def test_a_draw_from_request_to_lookup(statistician, leader):
    home = make.make_ready()
    response = statistician.post("/t/tilburg/draws/", {"round": "first", "event": "2563100", "event_on": "2018-03-05"})
    assert response["Location"] == "/t/tilburg/draws/1/"
    assert "The list is being made" in page(statistician.get("/t/tilburg/draws/1/"))
    freezing.freeze_list(draw_id=Draw.objects.get().pk)
    assert statistician.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}).status_code == 302
    assert "You entered it" in page(statistician.get("/t/tilburg/draws/1/"))
    assert leader.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}).status_code == 302
    shown = page(leader.get("/t/tilburg/draws/1/"))
    assert "The lots are being drawn" in shown
    assert "Look how far it is" in shown
    assert drawing.draw_lots(draw_id=Draw.objects.get().pk)
    assert "Households by stratum and group" in page(leader.get("/t/tilburg/draws/1/"))
    found = page(make.visitor().get("/lots/tilburg/1/", {"code": home.code.lower()}))
    assert f"Code {home.code} is in the group" in found
    assert "not in this draw" in page(make.visitor().get("/lots/tilburg/1/", {"code": "H-0000-0000-00"}))


def test_a_round_has_the_name_that_the_protocol_gives_it(statistician):
    make.make_ready()
    make.make_draw(until="committed")
    found = page(statistician.get("/t/tilburg/draws/"))
    assert "<td>First recruitment</td>" in found


def test_a_double_click_on_confirm_is_one_confirmation(tilburg, leader):
    make.make_ready()
    make.make_draw(until="entered")
    answers = [leader.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {"/t/tilburg/draws/1/"}
    assert Draw.objects.get().status == "confirmed"


def test_who_waits_too_long_is_told_that_nothing_is_lost(statistician):
    make.make_ready()
    make.make_draw(until="confirmed")
    assert "worker may be down" not in page(statistician.get("/t/tilburg/draws/1/"))
    with clock.at(make.NOW + timedelta(minutes=3)):
        assert "worker may be down" in page(statistician.get("/t/tilburg/draws/1/"))


def test_a_result_that_comes_at_once_is_shown_at_once(tilburg, leader, monkeypatch, as_role):
    def the_worker_draws(_seconds):
        with as_role("office_worker"):
            drawing.draw_lots(draw_id=draw.pk)

    make.make_ready()
    draw = make.make_draw(until="entered")
    monkeypatch.setattr(views, "MOMENT", 30)
    monkeypatch.setattr(views.time, "sleep", the_worker_draws)
    answer = leader.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}, follow=True)
    assert "Households by stratum and group" in page(answer)
    assert "The lots are drawn." in page(answer)


def test_a_leader_cannot_ask_for_a_draw(leader):
    response = leader.post("/t/tilburg/draws/", {"round": "first", "event": "2563100", "event_on": "2018-03-05"})
    assert response.status_code == 403
    assert "You have no access to this page" in page(response)
    assert not Draw.objects.exists()


def test_a_fault_stands_at_its_field_and_what_was_typed_stays(statistician):
    response = statistician.post("/t/tilburg/draws/", {"round": "first", "event": "the dice", "event_on": "2018-03-05"})
    assert response.status_code == 422
    assert "whole number of at most 20 digits" in page(response)
    assert 'value="the dice"' in page(response)


def test_a_malformed_number_is_named_on_the_page(statistician):
    make.make_ready()
    make.make_draw(until="committed")
    response = statistician.post("/t/tilburg/draws/1/beacon/", {"beacon": "2563100:xyz"})
    assert response.status_code == 422
    assert "64 lower-case hex digits" in page(response)


def test_confirming_ones_own_number_is_refused_on_the_page(tilburg):
    make.make_ready()
    draw = make.make_draw(until="entered")
    client = make.log_in(draw.entered_by)
    assert "two persons vouch" in page(client.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}, follow=True))
    assert not Allocation.objects.exists()


def test_taking_back_a_number(statistician):
    make.make_ready()
    make.make_draw(until="entered")
    statistician.post("/t/tilburg/draws/1/take-back/")
    assert Draw.objects.get().status == "committed"
    assert "no number to take back" in page(statistician.post("/t/tilburg/draws/1/take-back/", follow=True))


def test_a_refused_list_says_what_to_mend(statistician):
    by = make.someone()
    Draw.objects.create(
        trial_id="tilburg", number=1, round="first", status="refused", event="1", requested_at=make.NOW,
        requested_by=by, fault="household_type commune is in no level",
    )  # fmt: skip
    assert "commune is in no level" in page(statistician.get("/t/tilburg/draws/1/"))


def test_the_public_sees_nothing_before_the_commitment(tilburg):
    make.make_ready()
    draw = make.make_draw(until="requested")
    assert make.visitor().get("/lots/tilburg/").status_code == 404
    assert make.visitor().get(f"/lots/tilburg/{draw.number}/").status_code == 404
    assert make.visitor().get(f"/lots/tilburg/{draw.number}/record.json").status_code == 404


def test_the_public_record_can_be_downloaded_and_names_nobody(tilburg):
    home = make.make_drawn()[0]
    response = make.visitor().get("/lots/tilburg/1/record.json")
    assert response["Content-Disposition"] == 'attachment; filename="draw-tilburg-1.json"'
    assert home.persons.get().contact.surname not in page(response)


def test_a_script_in_the_asked_code_is_inert(tilburg):
    make.make_drawn()
    found = page(make.visitor().get("/lots/tilburg/1/", {"code": "<script>alert(1)</script>"}))
    assert "<script>alert" not in found.lower()


def test_the_list_of_draws_takes_the_same_queries_for_one_and_for_thirty(statistician, page_queries):
    by = make.someone()

    def empty(numbers):
        Draw.objects.bulk_create(
            Draw(
                trial_id="tilburg",
                number=n,
                round="first",
                status="empty",
                event="1",
                requested_at=make.NOW,
                requested_by=by,
            )
            for n in numbers
        )

    empty([1])
    one = page_queries(statistician, "/t/tilburg/draws/")
    empty(range(2, 31))
    assert page_queries(statistician, "/t/tilburg/draws/") == one
