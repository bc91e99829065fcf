"""A questionnaire on several devices, in several windows and over several visits (P14, F7)."""

import re
from datetime import UTC, datetime, timedelta

from tests.answers_store import ANSWERS
from trialmgr.core import clock


def test_another_device_goes_on_where_it_was_and_shows_no_earlier_answer(link, device, make_device, marker):
    for value in ("1", "12,5", "1", "b", "2", "1-2-2020"):
        device.answer(value)
    device.answer(marker)
    assert device.where == "/einde"
    other = make_device()
    other.begin(link)
    assert other.where == "/einde"
    for number in range(7, 0, -1):
        other.open(f"/vraag/{number}")
        assert other.where == f"/vraag/{number}"
        assert "op een ander apparaat of bij een eerder bezoek" in other.text
        assert " checked" not in other.text
        assert marker not in other.text
        assert "12.5" not in other.text
        assert "2020-02-01" not in other.text


def test_the_own_device_shows_its_own_answers_when_going_back(device, marker):
    for value in ("1", "12,5", "1", "b", "2", "1-2-2020", marker):
        device.answer(value)
    device.open("/vraag/7")
    assert marker in device.text
    device.open("/vraag/4")
    assert re.search(r'value="b"[^>]* checked', device.text)
    device.open("/vraag/6")
    assert 'value="1-2-2020"' in device.text
    device.open("/vraag/2")
    assert 'value="12,5"' in device.text
    device.send({"antwoord": "12,5", "taal": "en"})
    device.open("/vraag/2")
    assert 'value="12.5"' in device.text


def test_going_back_and_on_passes_along_the_own_answers_in_order(device):
    for value in ("1", "10", "0"):
        device.answer(value)
    device.open("/vraag/1")
    seen = [device.where]
    for value in ("1", "11", "1"):
        device.answer(value)
        seen.append(device.where)
    assert seen == ["/vraag/1", "/vraag/2", "/vraag/3", "/vraag/4"]


def test_another_device_is_asked_the_gate_again_when_the_way_on_hangs_on_it(wave, link, device, make_device):
    device.answer("1")
    other = make_device()
    other.begin(link)
    assert other.where == "/vraag/1"
    other.answer("1")
    assert other.where == "/vraag/2"
    other.answer("20")
    assert dict(wave.rows("draft", "item, value")) == {"work": "1", "hours": "20"}


def test_a_block_passed_by_on_the_first_device_is_not_opened_on_the_second(link, device, make_device):
    device.answer("0")
    other = make_device()
    other.begin(link)
    assert other.where == "/vraag/4"


def test_going_on_without_an_answer_keeps_the_one_given_on_another_device(wave, link, device, make_device):
    for value in ("0", "a"):
        device.answer(value)
    kept = wave.rows("draft", "item, value")
    other = make_device()
    other.begin(link)
    other.open("/vraag/4")
    assert "op een ander apparaat" in other.text
    for fields in ({}, {"actie": "overslaan"}, {"gevraagd": "ja"}, {"actie": "later"}):
        other.send(fields, "/vraag/4")
        assert other.where in {"/vraag/5", "/later"}
        assert wave.rows("draft", "item, value") == kept


def test_an_answer_that_is_needed_again_is_only_given_up_by_choice(wave, link, device, make_device):
    device.answer("1")
    other = make_device()
    other.begin(link)
    for fields in ({}, {"gevraagd": "ja"}):
        other.send(fields, "/vraag/1")
        assert other.where == "/vraag/1"
        assert "Dan telt uw eerdere antwoord niet meer." in other.text
        assert "gevraagd" not in other.text
        assert wave.rows("draft", "item, value") == [("work", "1")]
    other.send({"actie": "overslaan"})
    assert wave.rows("draft", "item, value") == [("work", None)]


def test_the_link_clicked_again_in_the_same_browser_goes_on_with_ones_own_answers(link, device):
    device.answer("0")
    device.begin(link)
    assert device.where == "/vraag/4"
    device.open("/vraag/1")
    assert re.search(r'value="0"[^>]* checked', device.text)
    assert "op een ander apparaat" not in device.text


def test_the_link_of_somebody_else_in_the_same_browser_is_a_visit_of_its_own(make_link, device):
    device.answer("0")
    device.begin(make_link())
    assert device.where == "/vraag/1"
    assert not re.search(r"<input[^>]* checked", device.text)


def test_an_hour_without_use_ends_the_visit_but_not_the_progress(wave, link, make_device):
    device = make_device()
    start = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
    with clock.at(start):
        device.begin(link)
        device.answer("0")
    with clock.at(start + timedelta(minutes=59)):
        device.open("/vraag/4")
        assert device.where == "/vraag/4"
    with clock.at(start + timedelta(minutes=120)):
        device.open("/vraag/4")
        assert device.where == "/"
        assert "Dan zijn uw eerdere antwoorden bewaard." in device.text
        device.begin(link)
        assert device.where == "/vraag/4"


def test_stopping_leaves_nothing_on_a_shared_device(device):
    device.answer("0")
    device.send({"actie": "later"})
    assert device.where == "/later"
    response = device.send({"stop": "1"})
    assert "Tot later" in device.text
    assert "cookies" in response.headers["Clear-Site-Data"]
    device.open("/vraag/1")
    assert device.where == "/"


def test_sending_from_a_second_tab_is_not_met_as_if_one_were_lost(device):
    for value in ANSWERS:
        device.answer(value)
    token = {"bewijs": device.page.context["visit"].form_token}
    device.send({"verstuur": "1"})
    device.page = device.client.post("/einde", {"verstuur": "1"} | token)
    assert "Misschien hebt u al verstuurd. Dan bent u klaar." in device.text
    assert 'name="link"' in device.text
    assert "niet bewaard" not in device.text


def test_an_answer_given_after_an_hour_is_not_said_to_be_saved(wave, link, make_device):
    device = make_device()
    start = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
    with clock.at(start):
        device.begin(link)
    with clock.at(start + timedelta(minutes=61)):
        device.answer("1")
    assert "u was langer dan een uur weg. Uw eerdere antwoorden zijn bewaard." in device.text
    assert "uw laatste antwoord is niet bewaard" in device.text
    assert wave.rows("draft") == [(0,)]


def test_the_end_of_another_device_names_no_skipped_question(link, device, make_device):
    device.answer("0")
    for _ in range(4):
        device.send({"actie": "overslaan"})
    other = make_device()
    other.begin(link)
    assert other.where == "/einde"
    assert "overgeslagen" not in other.text


def test_a_save_after_submitting_elsewhere_changes_nothing(wave, person, link, device, make_device):
    for value in ANSWERS:
        device.answer(value)
    second = make_device()
    second.begin(link)
    second.open("/vraag/1")
    device.send({"verstuur": "1"})
    second.answer("0")
    assert second.where == "/bedankt"
    assert dict(wave.rows("draft", "item, value"))["work"] == "1"
