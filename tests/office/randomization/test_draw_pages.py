"""The pages of the draw, for the two who carry it out and for everybody."""

import json
from datetime import timedelta

import pytest

from randomization import drawing, freezing
from randomization.lottery.verify import check
from randomization.models import Allocation, Draw
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db


ASKED = {"round": "first", "event": "2563100", "event_on": "2018-03-06", "source": "Round 2563100 of drand"}


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
    with clock.at(make.NOW - timedelta(days=1)):
        asked = ASKED | {"event_on": "2018-03-05"}
        response = statistician.post("/t/tilburg/draws/", asked)
        assert response["Location"] == "/t/tilburg/draws/1/"
        waiting = statistician.get("/t/tilburg/draws/1/")
        assert "You asked for this draw." in page(waiting)
        assert "The list is being made" in page(waiting)
        assert waiting["Refresh"] == "3"
        freezing.freeze_list(draw_id=Draw.objects.get().pk)
    typed = {"beacon": make.BEACON, "evidence": "As on api.drand.sh"}
    shown = page(statistician.post("/t/tilburg/draws/1/beacon/", typed, follow=True))
    assert "The number is entered." in shown
    assert "You entered it" in shown
    answer = leader.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}, follow=True)
    for told in ("The number is confirmed", "The lots are being drawn", "Look how far it is", "looks again by itself"):
        assert told in page(answer)
    assert answer["Refresh"] == "3"
    assert drawing.draw_lots(draw_id=Draw.objects.get().pk)
    answer = leader.get("/t/tilburg/draws/1/")
    assert "Households by stratum and group" in page(answer)
    assert "Refresh" not in answer
    found = page(make.visitor().get("/lots/tilburg/1/", {"code": home.code.lower()}))
    assert f"Code {home.code} is in the group" in found
    assert "As on api.drand.sh" in found
    assert "not in this draw" in page(make.visitor().get("/lots/tilburg/1/", {"code": "H-0000-0000-00"}))


def test_a_code_is_found_however_it_is_typed(tilburg):
    code = make.make_drawn()[0].code
    bare = code.replace("-", "")
    for typed in (code.lower(), bare, bare[1:], f" {code.replace('-', ' ')} "):
        assert f"Code {code} is in the group" in page(make.visitor().get("/lots/tilburg/1/", {"code": typed})), typed


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


def test_a_leader_cannot_ask_for_a_draw(leader):
    response = leader.post("/t/tilburg/draws/", ASKED)
    assert response.status_code == 403
    assert "You have no access to this page" in page(response)
    assert not Draw.objects.exists()


def test_a_fault_stands_at_its_field_and_what_was_typed_stays(statistician):
    response = statistician.post("/t/tilburg/draws/", ASKED | {"event": "the dice"})
    assert response.status_code == 422
    assert "whole number of at most 20 digits" in page(response)
    assert 'value="the dice"' in page(response)


def test_a_malformed_number_is_named_on_the_page(statistician):
    make.make_ready()
    make.make_draw(until="committed")
    response = statistician.post("/t/tilburg/draws/1/beacon/", {"beacon": "2563100:xyz"})
    assert response.status_code == 422
    assert "The digits are 0-9 and a-f; x is none of them." in page(response)


def test_confirming_ones_own_number_is_refused_on_the_page(tilburg):
    make.make_ready()
    draw = make.make_draw(until="entered")
    client = make.log_in(draw.entered_by)
    assert "two persons vouch" in page(client.post("/t/tilburg/draws/1/beacon/", {"beacon": make.BEACON}, follow=True))
    assert not Allocation.objects.exists()


def test_taking_back_a_number(statistician):
    make.make_ready()
    make.make_draw(until="entered")
    assert "The number is taken back." in page(statistician.post("/t/tilburg/draws/1/take-back/", follow=True))
    assert Draw.objects.get().status == "committed"
    assert "no number to take back" in page(statistician.post("/t/tilburg/draws/1/take-back/", follow=True))


def test_who_finds_another_number_can_take_the_first_one_back(leader):
    make.make_ready()
    make.make_draw(until="entered")
    response = leader.post("/t/tilburg/draws/1/beacon/", {"beacon": make.OTHER_BEACON})
    assert "This differs from the number entered first" in page(response)
    assert "Take the number back" in page(response)


def test_who_vouched_is_named_to_staff_and_told_by_role_to_everybody(leader):
    make.make_drawn()
    draw = Draw.objects.get()
    for place, names in (
        (leader.get("/t/tilburg/draws/1/"), (draw.entered_by.name, draw.confirmed_by.name)),
        (make.visitor().get("/lots/tilburg/1/"), ("trial statistician", "project leader")),
    ):
        shown = page(place)
        assert f"<dt>Number entered by</dt><dd>{names[0]}, <time" in shown
        assert f"<dt>Number confirmed by</dt><dd>{names[1]}, <time" in shown
    assert draw.entered_by.name not in shown


def test_how_many_wait_stands_beside_the_button_and_not_who_answered(statistician):
    make.make_ready()
    make.make_consented()
    shown = page(statistician.get("/t/tilburg/draws/"))
    assert "First recruitment: 2 households consented and wait for a draw." in shown


def test_the_public_is_told_what_comes_next(tilburg):
    make.make_ready()
    row = make.make_draw(until="requested")
    freezing.freeze_list(draw_id=row.pk)
    shown = page(make.visitor().get("/lots/tilburg/1/"))
    assert "comes a number that nobody can know now" in shown
    assert "Save the list now" in shown
    assert make.SOURCE in shown
    assert "Then came a number" not in shown
    with clock.at(make.NOW + timedelta(days=3)):
        assert "Two persons still have to enter it" in page(make.visitor().get("/lots/tilburg/1/"))


def test_what_was_published_before_the_draw_can_be_had_after_it(tilburg):
    make.make_ready()
    row = make.make_draw(until="confirmed")
    before = make.visitor().get("/lots/tilburg/1/record.json").content
    assert make.visitor().get("/lots/tilburg/1/published.json").content == before
    drawing.draw_lots(draw_id=row.pk)
    after = make.visitor().get("/lots/tilburg/1/published.json")
    assert after.content == before
    assert after["Content-Disposition"] == 'attachment; filename="draw-tilburg-1-published.json"'
    drawn = json.loads(make.visitor().get("/lots/tilburg/1/record.json").content)
    assert check(drawn, json.loads(before)) == "1 units drawn again, same groups"
    shown = page(make.visitor().get("/lots/tilburg/1/"))
    assert "python3 verify.py draw-tilburg-1.json draw-tilburg-1-published.json" in shown
    assert "?lang=en&amp;record=/lots/tilburg/1/record.json&amp;published=/lots/tilburg/1/published.json" in shown


def test_the_groups_of_a_draw_have_names(tilburg):
    make.make_drawn()
    names = make.visitor().get("/lots/tilburg/1/groups.json").json()
    assert set(names["nl"]) == set(names["en"]) == set(json.loads(Draw.objects.get().record)["params"]["arms"])


def test_no_number_of_a_draw_is_missing_in_public(tilburg):
    make.make_consented()
    freezing.freeze_list(draw_id=make.make_request().pk)  # nobody filled in the first questionnaire
    make.make_drawn()
    shown = page(make.visitor().get("/lots/tilburg/"))
    assert "no list was made, and nothing was drawn" in shown
    assert 'href="/lots/tilburg/1/"' not in shown
    assert 'href="/lots/tilburg/2/"' in shown


def test_the_start_page_leads_to_every_public_draw(tilburg):
    assert "No draw was published yet" in page(make.visitor().get("/lots/"))
    make.make_drawn()
    assert 'href="/lots/"' in page(make.visitor().get("/"))
    found = page(make.visitor().get("/lots/"))
    assert '<a href="/lots/tilburg/">Tilburg</a>: 1 draw' in found


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
