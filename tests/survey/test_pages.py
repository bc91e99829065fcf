"""The pages as participants meet them, with the survey's real login (P13-P15, F7, F9)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils.html import escape

from surveys.respondent import services
from surveys.sealing import Keyring, Seat, seal
from tests.answers_store import ANSWERS, Person, ask, connect, pour
from trialmgr.core import clock

TABLES = ("draft", "progress", "submitted", "complete", "poured", "poured_text")
AGENTS = ("Mozilla/5.0", "BarracudaCentral-linkcheck", "Microsoft Office Outlook", "WhatsApp/2.0", "Googlebot/2.1")


def rows_of(wave):
    return {table: wave.rows(table)[0][0] for table in TABLES}


def test_a_person_answers_everything_and_submits(wave, person, device):
    assert device.where == "/vraag/1"
    for value in ANSWERS:
        device.answer(value)
    assert device.where == "/einde"
    device.send({"verstuur": "1"})
    assert device.where == "/bedankt"
    assert "Dank u wel" in device.text
    assert dict(wave.rows("draft", "item, value")) == {
        "work": "1", "hours": "12.5", "contract": "1", "help": "a", "children": "2",
        "since": "2020-02-01", "told": "tekst",
    }  # fmt: skip
    assert [item for item, free in wave.rows("draft", "item, free") if free] == ["told"]
    assert wave.state(person) == "submitted"


def test_questions_that_do_not_apply_are_not_asked(wave, device):
    device.answer("0")
    assert "Welke hulp" in device.text
    device.answer("a", "b")
    assert dict(wave.rows("draft", "item, value")) == {"work": "0", "help": "a b"}


def test_looking_at_a_link_a_hundred_times_leaves_no_trace(wave, link):
    for number in range(100):
        headers = {"User-Agent": AGENTS[number % 5], "Sec-Purpose": "prefetch", "Purpose": "prefetch"}
        response = Client(headers=headers).get(f"/s/{link}")
        assert response.status_code == 200
        assert not response.cookies
    assert Client().head(f"/s/{link}").status_code == 200
    for path in ("/", "/privacy", "/toegankelijkheid", "/bedankt"):
        assert not Client().get(path).cookies
    assert set(rows_of(wave).values()) == {0}


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("013 123 45 67", "Hulp nodig? Bel 013\N{NO-BREAK SPACE}123\N{NO-BREAK SPACE}45\N{NO-BREAK SPACE}67."),
        ("", "Antwoord op onze mail"),
    ],
)
def test_a_page_says_where_to_get_help_and_promises_no_number_that_is_not_there(settings, phone, words):
    settings.HELP_PHONE = phone
    assert words in Client().get("/privacy").content.decode()


def test_a_robot_that_presses_begin_leaves_no_trace_and_the_link_still_works(wave, link, make_device):
    for _ in range(5):
        make_device().begin(link)
    assert set(rows_of(wave).values()) == {0}
    device = make_device()
    device.begin(link)
    device.answer("1")
    assert rows_of(wave)["draft"] == 1


def test_changing_the_gate_opens_what_now_applies(device):
    device.answer("0")
    device.open("/vraag/1")
    device.answer("1")
    assert device.where == "/vraag/2"


def test_an_empty_answer_asks_once_whether_to_skip(wave, device):
    device.answer("")
    assert device.where == "/vraag/1"
    assert "Overslaan?" in device.text
    assert rows_of(wave)["draft"] == 0
    assert "<title>Overslaan? Vraag 1" in device.text
    notice = device.text[device.text.index('class="notice"') : device.text.index('id="vraag"')]
    assert 'value="overslaan"' in notice
    device.send({"actie": "overslaan"})
    assert device.where == "/vraag/4"
    assert wave.rows("draft", "item, value") == [("work", None)]


def test_who_was_asked_once_passes_over_by_going_on(wave, device):
    device.answer("")
    asked_once = re.search(r'type="hidden" name="(gevraagd)" value="(ja)"', device.text).groups()
    device.send(dict([asked_once]))
    assert device.where == "/vraag/4"
    assert wave.rows("draft", "item, value") == [("work", None)]
    device.open("/vraag/1")
    device.answer("")
    assert device.where == "/vraag/4", "a question that was passed over is not asked about again"


@pytest.mark.parametrize(
    ("before", "wrong", "says"),
    [
        ((), ("7",), "Kies een antwoord uit de lijst."),
        ((), ("1", "0"), "Kies 1 antwoord."),
        (("1",), ("veel",), "Vul een getal in."),
        (("1",), ("101",), "100 of lager"),
        (("1",), ("12", "-9"), "U vulde iets in, en u koos ook &#x27;Wil ik niet zeggen&#x27;."),
        (("0",), ("a", "none"), "Kies óf &#x27;Geen van deze&#x27;, óf andere antwoorden."),
        (("0", "a"), ("1,5",), "Vul een heel getal in."),
        (("0", "a", "1"), ("32-1-2020",), "Vul een datum in."),
        (("0", "a", "1", "1-1-2020"), ("x" * 4001,), "Uw tekst is te lang"),
    ],
)
def test_a_wrong_answer_says_what_to_do_and_keeps_what_was_typed(wave, device, before, wrong, says):
    for value in before:
        device.answer(value)
    saved, place = rows_of(wave), device.where
    device.answer(*wrong)
    assert device.where == place
    assert says in device.text
    assert "<title>Fout: Vraag" in device.text
    assert rows_of(wave) == saved
    assert wrong[0] in device.text


def test_dont_know_can_stand_in_the_place_of_a_number(wave, device):
    device.answer("1")
    device.answer("", "-8")
    assert ("hours", "-8") in wave.rows("draft", "item, value")


def test_a_refusal_that_was_ticked_can_be_unticked_to_give_a_number(wave, device):
    device.answer("1")
    device.answer("-9")
    device.open("/vraag/2")
    assert re.search(r'type="checkbox" name="antwoord" value="-9"[^>]* checked', device.text)
    device.answer("8")
    assert ("hours", "8") in wave.rows("draft", "item, value")


def test_skipping_ahead_leads_back_to_the_question_at_hand(wave, device):
    for path in ("/vraag/4", "/vraag/7", "/vraag/99", "/vraag/0", "/einde"):
        device.open(path)
        assert device.where == "/vraag/1"
    device.send({"antwoord": "a"}, "/vraag/4")
    device.send({"verstuur": "1"}, "/einde")
    assert device.where == "/vraag/1"
    assert set(rows_of(wave).values()) == {0}


def test_after_submitting_the_link_thanks_and_nothing_can_be_changed(wave, link, device, make_device, marker):
    for value in (*ANSWERS[:6], marker):
        device.answer(value)
    second = make_device()
    second.begin(link)
    device.send({"verstuur": "1"})
    second.page = second.client.get("/vraag/1")
    assert second.page.status_code == 303
    third = make_device()
    third.begin(link)
    assert third.where == "/bedankt"
    assert marker not in third.text
    assert not [name for name, morsel in third.client.cookies.items() if morsel.value]


def test_after_pouring_the_link_still_thanks(wave, link, device, make_device):
    for value in ANSWERS:
        device.answer(value)
    device.send({"verstuur": "1"})
    wave.answer_all([Person() for _ in range(4)])
    pour()
    later = make_device()
    later.begin(link)
    assert later.where == "/bedankt"


def test_a_closed_wave_says_so(wave, link, device, make_device):
    device.answer("1")
    wave.close()
    device.answer("10")
    assert "Deze vragen zijn gesloten" in device.text
    new = make_device()
    new.begin(link)
    assert "Deze vragen zijn gesloten" in new.text


def test_wrong_links_all_get_the_same_page_after_begin(wave, person, link, make_link):
    foreign = seal(Keyring.parse("9" * 64), Seat(person.pseud, wave.number, date(2099, 1, 1)))
    expired = make_link(person, date(2020, 1, 1))
    changed = link[:-5] + ("A" if link[-5] != "A" else "B") + link[-4:]
    short = link[:40]
    pages = {one: Client().post(f"/s/{one}", {"begin": "1"}) for one in (foreign, expired, changed)}
    pages[short] = Client().get(f"/s/{short}")
    assert {page.status_code for page in pages.values()} == {404}
    assert len({page.content.decode().replace(one, "") for one, page in pages.items()}) == 1
    assert "Deze link werkt niet (meer)" in pages[short].content.decode()
    assert not any(page.cookies for page in pages.values())


def test_a_typing_error_can_be_mended_on_the_page_that_names_it(link, make_device):
    typed = link[:-5] + ("A" if link[-5] != "A" else "B") + link[-4:]
    device = make_device()
    device.begin(typed)
    assert re.search(
        rf'<form method="post" action="/\?taal=nl"[^>]*>.*<textarea[^>]*>{typed}</textarea>', device.text, re.S
    )
    device.send({"link": link}, "/")
    assert device.where == f"/s/{link}"
    device.send({"begin": "1"})
    assert device.where == "/vraag/1"


def test_who_has_a_dead_link_is_told_to_call_and_promised_no_mail(settings):
    settings.HELP_PHONE = "013 000 00 00"
    page = Client().get("/s/oud").content.decode()
    assert "Werkt het dan nog niet? Bel 013\N{NO-BREAK SPACE}000" in page
    assert "nieuwe mail" not in page


def test_a_link_works_through_its_last_day_and_not_the_day_after(make_link, make_device):
    link = make_link(Person(), date(2027, 3, 28))
    with clock.at(datetime(2027, 3, 28, 21, 59, tzinfo=UTC)):  # one minute to midnight in summer time
        device = make_device()
        device.begin(link)
        assert device.where == "/vraag/1"
    with clock.at(datetime(2027, 3, 28, 22, 1, tzinfo=UTC)):
        assert Client().post(f"/s/{link}", {"begin": "1"}).status_code == 404


def test_the_page_of_thanks_says_that_answers_were_sent_only_when_they_were(link, device, make_device):
    device.open("/bedankt")
    assert "Uw antwoorden zijn verstuurd." not in device.text
    assert "Hebt u op &#x27;Verstuur&#x27; gedrukt? Dan bent u klaar." in device.text
    device.open("/vraag/1")
    for value in ANSWERS:
        device.answer(value)
    device.send({"verstuur": "1"})
    again = make_device()
    again.begin(link)
    for one in (device, again):
        assert one.where == "/bedankt"
        assert "Uw antwoorden zijn verstuurd." in one.text


def test_the_end_names_what_was_skipped_and_brings_back_from_it(wave, device):
    device.answer("0")
    for _ in range(2):
        device.send({"actie": "overslaan"})
    device.answer("1-1-2020")
    device.answer("tekst")
    assert device.where == "/einde"
    assert "U hebt 2 keer een vraag overgeslagen." in device.text
    [first, _] = re.findall(r'<a href="(/vraag/\d\?einde=1)">', device.text)
    device.open(first)
    device.send({"antwoord": "a"}, first)
    assert device.where == "/einde"
    assert "U hebt 1 keer een vraag overgeslagen." in device.text
    device.send({"actie": "later"})
    assert device.where == "/later"
    assert ("help", "a") in wave.rows("draft", "item, value")


@pytest.mark.parametrize("path", ["/privacy", "/toegankelijkheid"])
def test_from_a_page_beside_the_questions_one_goes_back_to_the_question(device, path):
    device.answer("0")
    assert f'href="{path}?taal=nl&amp;vraag=4"' in device.text
    device.open(f"{path}?taal=nl&vraag=4")
    assert re.search(r'href="/vraag/4">Terug naar de vragen', device.text)
    device.send({"taal": "en"}, path)
    assert re.search(r'href="/einde">Back to the questions', device.text)
    device.open("/einde")
    assert device.where == "/vraag/4"
    assert "Which help" in device.text
    assert "Terug naar de vragen" not in Client().get(path).content.decode()
    for odd in ("x", "-1", "9" * 5000, "٣", "/"):
        assert device.client.get(path, {"vraag": odd}).status_code == 200


@pytest.mark.parametrize(
    ("wish", "language"),
    [("en-GB,en;q=0.9,nl;q=0.8", "en"), ("pl,en;q=0.5", "en"), ("pl", "nl"), ("", "nl"), ("en;q=é,*", "nl")],
)
def test_a_page_comes_in_the_language_of_the_browser_when_none_was_chosen(link, wish, language):
    client = Client(headers={"Accept-Language": wish})
    for path in (f"/s/{link}", "/", "/nergens", "/bedankt"):
        assert f'<html lang="{language}"' in client.get(path).content.decode()
    assert '<html lang="nl"' in client.get(f"/s/{link}?taal=nl").content.decode()


def test_the_chosen_language_stays_after_sending(device):
    device.send({"taal": "en"})
    for value in ANSWERS:
        device.answer(value)
    device.send({"verstuur": "1"})
    assert "Your answers have been sent." in device.text
    assert "/privacy?taal=en" in device.text


@pytest.mark.parametrize(
    ("level", "said", "unsaid"),
    [
        ("L0", "In deze oefening kan de beheerder van de computer alles bij elkaar zien.", "in zijn eentje"),
        ("L1", "Dezelfde beheerder zorgt voor beide plekken. Die kan alles bij elkaar zien.", "in zijn eentje"),
        ("L2", "", "alles bij elkaar"),
    ],
)
def test_no_page_promises_more_than_the_level_of_this_deployment(settings, link, level, said, unsaid):
    settings.PRIVACY_LEVEL = level
    for path in (f"/s/{link}", "/privacy", "/bedankt?verstuurd=1"):
        page = Client().get(path).content.decode()
        assert said in page
        assert unsaid not in page
    assert ("De gemeente ziet uw antwoorden niet." in Client().get(f"/s/{link}").content.decode()) == (level == "L2")


def test_every_page_names_who_asks_in_its_language(settings, link):
    settings.SENDER = {"nl": "Universiteit van Tilburg", "en": "Tilburg University"}
    assert "Deze vragen komen van: Universiteit van Tilburg." in Client().get(f"/s/{link}").content.decode()
    assert "Tilburg University" in Client().get("/privacy?taal=en").content.decode()
    settings.SENDER = {"nl": "", "en": ""}
    assert "komen van" not in Client().get(f"/s/{link}").content.decode()


def test_later_keeps_the_answer_that_was_just_given(wave, device):
    device.send({"antwoord": "0", "actie": "later"})
    assert device.where == "/later"
    assert wave.rows("draft", "item, value") == [("work", "0")]


def test_switching_language_keeps_place_and_choice(wave, device):
    device.send({"antwoord": "1", "taal": "en"})
    assert '<html lang="en"' in device.text
    assert "Do you work?" in device.text
    assert re.search(r'value="1"[^>]* checked', device.text)
    assert rows_of(wave)["draft"] == 0
    device.answer("1")
    assert "How many hours?" in device.text


def test_the_language_chosen_on_the_start_page_stays_without_a_cookie(link, make_device):
    device = make_device()
    device.page = device.client.post(f"/s/{link}", {"taal": "en"})
    assert "Good to have you" in device.text
    assert not device.page.cookies
    device.page = device.client.post(f"/s/{link}", {"taal": "en", "begin": "1"}, follow=True)
    assert "Do you work?" in device.text


def test_the_link_of_a_letter_can_be_typed(link, make_device):
    device = make_device()
    device.open("/")
    spaced = " ".join(link[place : place + 4] for place in range(0, len(link), 4))
    for typed in (f"http://localhost/s/{link}", f"https://vragen.example/s/ {spaced} \n", f"/s/{link}?taal=nl"):
        device.send({"link": typed}, "/")
        assert device.where.startswith(f"/s/{link}")
    device.send({"link": "https://vragen.example/s/half"}, "/")
    assert "Deze link klopt niet" in device.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://["},
        {"Origin": ""},
    ],
)
def test_another_site_cannot_post_here(wave, device, headers):
    token = device.page.context["visit"].form_token
    response = device.client.post("/vraag/1", {"antwoord": "1", "bewijs": token}, headers=headers)
    assert response.status_code == 403
    assert rows_of(wave)["draft"] == 0


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_the_token_of_the_visit_is_refused(wave, device, token):
    fields = {"antwoord": "1"} | ({} if token is None else {"bewijs": token})
    assert device.client.post("/vraag/1", fields).status_code == 403
    assert rows_of(wave)["draft"] == 0


def test_a_changed_cookie_is_no_cookie(device):
    name = next(iter(device.client.cookies))
    ticket = device.client.cookies[name].value
    for changed in (ticket[:-2] + "AA", "", "x", ticket[::-1], "é"):
        device.client.cookies[name] = changed
        assert device.client.get("/vraag/1").status_code == 303
        assert device.client.get("/vraag/1")["Location"] == "/"


def test_fifty_submits_at_once_are_all_thanked(wave, device):
    for value in ANSWERS:
        device.answer(value)
    token = device.page.context["visit"].form_token
    codes = set()
    ticket = dict(device.client.cookies)
    for _ in range(50):
        client = Client()
        client.cookies.load({name: morsel.value for name, morsel in ticket.items()})
        response = client.post("/einde", {"verstuur": "1", "bewijs": token})
        codes.add((response.status_code, response["Location"]))
    assert codes == {(303, "/bedankt?verstuurd=1&taal=nl")}
    assert rows_of(wave)["submitted"] == 1


def test_the_simulator_answers_through_the_same_rules(wave, person, link):
    assert services.answer_questionnaire(link, {"work": "0", "help": ["a", "b"], "told": "vrij"})
    assert dict(wave.rows("draft", "item, value")) == {
        "work": "0", "help": "a b", "children": None, "since": None, "told": "vrij",
    }  # fmt: skip
    assert wave.state(person) == "submitted"
    assert not services.answer_questionnaire(link, {"work": "1"})
    assert dict(wave.rows("draft", "item, value"))["work"] == "0"


def test_the_simulator_can_stop_halfway(wave, person, link):
    assert services.answer_questionnaire(link, {"work": "1", "hours": "8", "not asked": "1"}, submit=False)
    assert dict(wave.rows("draft", "item, value")) == {"work": "1", "hours": "8"}
    assert wave.state(person) == "open"
    with connect("survey_app") as connection:
        sql = "SELECT answers.next_item(%s, %s)"
        assert connection.execute(sql, [person.pseud, wave.number]).fetchone() == ("contract",)


def test_two_hundred_questionnaires_go_quickly_through_one_connection(wave, make_link):
    links = [make_link() for _ in range(200)]
    sheet = {"work": "1", "hours": "8", "contract": "1", "help": "a", "children": "1", "since": "1-1-2020"}
    assert services.answer_questionnaires((link, sheet) for link in links) == 200
    assert wave.rows("submitted") == [(200,)]
    assert ask("postgres", "SELECT count(*) FROM answers.draft WHERE wave = %s", wave.number) == [(1400,)]


@pytest.mark.parametrize(
    "fields",
    [
        {"antwoord": "x" * 2_000_000},
        {f"veld{number}": "1" for number in range(2_000)},
        {"antwoord": ["1"] * 2_000},
    ],
)
def test_a_monstrous_form_is_refused_politely(wave, device, fields):
    fields = {"bewijs": device.page.context["visit"].form_token} | fields
    response = device.client.post("/vraag/1", fields)
    assert response.status_code == 400
    assert "Wij konden uw antwoord niet aannemen" in response.content.decode()
    assert rows_of(wave)["draft"] == 0


@pytest.mark.parametrize("text", ["nul\x00teken", "'; DROP TABLE answers.draft; --", "{{ 7*7 }}", "<script>", "𝄞 é ﷽"])
def test_any_text_is_kept_as_text_and_shown_as_text(wave, device, text):
    for value in ("0", "a", "1", "1-1-2020", text):
        device.answer(value)
    assert device.where == "/einde"
    kept = text.replace("\x00", "")
    assert ("told", kept) in wave.rows("draft", "item, value")
    device.open("/vraag/7")
    assert escape(kept) in device.text


@pytest.mark.parametrize("name", ["antwoord", "actie", "taal", "bewijs", "link"])
def test_odd_bytes_in_any_field_are_no_fault_of_ours(device, name):
    for value in ("\x00", "\ud83d", "é" * 300, "-1", "[]"):
        fields = {"bewijs": device.page.context["visit"].form_token} | {name: value.encode("utf-8", "replace").decode()}
        for path in ("/vraag/1", "/", "/later", "/einde"):
            assert device.client.post(path, fields).status_code < 500


def test_when_the_database_is_busy_the_answer_stays_on_the_page(wave, device, marker, monkeypatch):
    for value in ("0", "a", "1", "1-1-2020"):
        device.answer(value)

    def busy(*args, **kwargs):
        raise OperationalError("canceling statement due to lock timeout")

    with monkeypatch.context() as patch:
        patch.setattr(services.store, "save_answer", busy)
        device.answer(marker)
    assert device.page.status_code == 503
    assert "Uw antwoord is nog niet bewaard" in device.text
    assert marker in device.text
    device.answer(marker)
    assert ("told", marker) in wave.rows("draft", "item, value")


def test_an_answer_waits_while_others_are_poured(wave, person):
    """Pouring locks whole tables for a moment; an answer given then is saved after it."""
    with connect("postgres") as pourer, ThreadPoolExecutor(1) as pool:
        pourer.execute("BEGIN")
        pourer.execute("LOCK TABLE answers.draft IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(wave.save, person, "work", "1")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        pourer.execute("COMMIT")
        assert waiting.result(timeout=5)
    assert wave.rows("draft", "item, value") == [("work", "1")]
