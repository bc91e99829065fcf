"""Letters: whoever a mail cannot reach gets one, once, and nothing that opens a questionnaire stays behind."""

import logging
import tempfile
from datetime import timedelta

import pytest
import qrcode
from django.db import IntegrityError, connection, transaction

from participants.models import Baseline, Contact
from participants.services import change_reach, stop
from surveys.mailing import paper, printing, selectors, services
from surveys.mailing.models import Invitation, Printing
from surveys.sealing import Keyring, Seat, open_link, pseudonym, seal
from tests.office import factories as make
from tests.office.races import faults, together
from tests.read_pdf import read_pdf
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
KEYS = Keyring.parse("07" * 32)
WAVE = 7
PAGE = "/t/tilburg/waves/letters/"
HOME = {"street": "Korvelseweg 12", "postcode": "5025 JA", "city": "Tilburg"}
TOMORROW, WEEK = make.NOW + timedelta(days=1), make.NOW + timedelta(days=7)


def neighbour(**over):
    """Somebody without an e-mail address."""
    return make.make_consented(members=[make.make_member(**{"email": "", **HOME, **over})]).persons.get()


def night():
    services.update_status(trial="tilburg")
    services.queue_due(trial="tilburg")
    services.send_due()


def waiting():
    user = make.make_user(Role.CUSTODIAN)
    return {
        state.code: (state.ready, state.without_address) for state in selectors.letter_states(user, trial="tilburg")
    }


def states():
    return sorted(Invitation.objects.values_list("reminder", "status"))


@pytest.fixture
def sealing(vault, monkeypatch):
    """The vault gives links as the real one does, under a key of this test."""
    answer = vault.ask

    def ask(address, body):
        given = answer(address, body)
        if address == "seal":
            seats = [Seat(pseudonym(KEYS, body["study"], pid), WAVE, last_day_of(body)) for pid in body["pids"]]
            return {"links": [seal(KEYS, seat) for seat in seats]}
        return given

    monkeypatch.setattr(services.vault_client, "ask", ask)
    return vault


def last_day_of(body):
    return make.TODAY.fromisoformat(body["last_day"])


@pytest.fixture
def people(tilburg, smtp, sealing):
    """Two persons without e-mail, of whom one reads English, and one with; the baseline was sent."""
    found = [neighbour(), neighbour(language="en"), make.make_consented().persons.get()]
    night()
    smtp.taken.clear()
    return found


@pytest.fixture
def custodian(tilburg):
    return make.log_in(make.make_user(Role.CUSTODIAN))


def print_by(client, wave="baseline"):
    return client.post(f"{PAGE}{wave}/print/")


def again_by(client, *, seen=0, reason="jammed"):
    first = Printing.objects.get(first=None)
    return client.post(f"{PAGE}{first.pk}/again/", {"seen": seen, "reason": reason})


def told(response):
    return response.wsgi_request._messages._queued_messages[0].message


def test_the_custodian_prints_a_page_for_each_person_and_is_noted_with_the_number(people, custodian, recorded):
    assert "2 letters to print" in custodian.get("/t/tilburg/waves/").content.decode()
    assert "Print 2 letters" in custodian.get(PAGE).content.decode()
    with recorded() as verbs:
        response = print_by(custodian)
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="letters-baseline-2018-03-05.pdf"'
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")
    assert len(read_pdf(response.content).pages) == 2
    assert states() == [(0, "printed"), (0, "printed"), (0, "sent")]
    assert set(Invitation.objects.values_list("sent_on", flat=True)) == {make.TODAY}
    assert Printing.objects.get().letters == 2
    assert verbs == ["letters.printed"]
    assert "No letter waits" in custodian.get(PAGE).content.decode()


def test_every_link_on_paper_opens_the_questionnaire_of_the_person_in_the_window(people, custodian, settings):
    settings.SURVEY_URL = "https://vragen.example"
    pages = read_pdf(print_by(custodian).content).pages
    for page, person in zip(pages, people[:2], strict=True):
        assert [line.text for line in page.lines if line.text == str(person.contact)]
        (url,) = page.links
        start, link = url.split("/s/")
        assert start == "https://vragen.example"
        assert open_link(KEYS, link) == Seat(
            pseudonym(KEYS, "tilburg", person.pid), WAVE, make.TODAY.replace(month=4, day=16)
        )


def test_the_code_to_scan_is_that_of_the_address_beside_it(people, custodian):
    for page in read_pdf(print_by(custodian).content).pages:
        code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0, mask_pattern=paper.MASK)
        code.add_data(page.links[0], optimize=0)
        rows = code.get_matrix()
        starts = {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark and not (x and row[x - 1])}
        assert page.dots == starts
        beside = "".join(line.text for line in page.lines if line.left > 70)
        assert page.links[0].rpartition("/")[2] in beside


def test_the_letter_says_where_to_type_the_code_and_what_to_do_when_that_fails(people, custodian, settings):
    settings.SURVEY_URL, settings.HELP_PHONE, settings.DEMO = "https://vragen.example", "013 123 45 67", True
    dutch = " ".join(read_pdf(print_by(custodian).content).pages[0].text.split())
    assert "Of ga naar vragen.example . Typ daar deze code:" in dutch
    assert "https" not in dutch
    for words in ("Beste mevrouw of heer,", "Spaties maken niet uit.", "Dit is een oefening met verzonnen mensen."):
        assert words in dutch
    assert "Lukt het niet? Bel 013 123 45 67. Dan vullen wij het samen in." in dutch


def test_a_letter_is_short_plain_names_a_telephone_and_does_not_tell_what_the_trial_is_about(
    people, custodian, settings
):
    settings.HELP_PHONE, settings.DEMO = "013 123 45 67", False
    pdf = read_pdf(print_by(custodian).content)
    assert pdf.tagged
    assert "<pdfuaid:part>1</pdfuaid:part>" in pdf.metadata
    dutch, english = (page.text for page in pdf.pages)
    for words in ("Universiteit van Tilburg", "Onze vragen aan u", "tot en met 16 april 2018", "Bel 013 123 45 67."):
        assert words in dutch
    for words in ("Tilburg University", "Our questions to you", "including 16 April 2018", "Call 013 123 45 67."):
        assert words in english
    assert "al geantwoord" not in dutch
    assert "bijstand" not in dutch.lower()
    body = dutch[dutch.index("Wilt u") : dutch.index("Scan")] + dutch[dutch.index("Lukt") : dutch.index("Met vriend")]
    assert len(body.split()) < 80


def test_without_a_telephone_number_the_page_warns_and_the_letter_names_none(people, custodian, settings):
    settings.HELP_PHONE = ""
    assert "SURVEY_HELP_PHONE" in custodian.get(PAGE).content.decode()
    assert "Lukt het niet?" not in read_pdf(print_by(custodian).content).pages[0].text


def test_the_address_stands_in_the_window_of_both_envelopes_and_nothing_else_does(people, custodian):
    page = read_pdf(print_by(custodian).content).pages[0]
    window = [line.text for line in page.lines if 44 < line.top < 95]
    assert window == [str(people[0].contact), "Korvelseweg 12", "5025 JA  TILBURG"]
    assert all(57 < line.top < 79 and line.left > 20 for line in page.lines if line.text in window)


def test_no_fold_goes_through_the_code_to_scan_of_an_invitation_or_a_reminder(people, custodian):
    for response in (print_by(custodian), again_by(custodian)):
        tops = [line.top for line in read_pdf(response.content).pages[0].lines if line.left > 70]
        assert tops[0] - 5 > 148.5
        assert tops[-1] + 3 < 210


def test_nothing_of_a_letter_is_written_to_disk_or_to_a_log(people, custodian, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.DEBUG):
        (link, *_rest) = read_pdf(print_by(custodian).content).pages[0].links
    assert list(tmp_path.iterdir()) == []
    assert link.rpartition("/")[2] not in caplog.text
    kept = str(list(Invitation.objects.values())) + str(list(Printing.objects.values()))
    assert not [person.pid for person in people if person.pid in kept]


def test_a_sign_that_the_font_lacks_holds_up_nobody(tilburg, smtp, sealing, custodian):
    neighbour(first_name="李")
    neighbour()
    night()
    assert len(read_pdf(print_by(custodian).content).pages) == 2


def test_who_stopped_gets_no_letter(people, custodian):
    stop(person_id=people[0].pk, kinds=["stopped_surveys"], day=make.TODAY, by=make.someone())
    assert waiting() == {"baseline": (1, 0)}
    assert len(read_pdf(print_by(custodian).content).pages) == 1


def test_who_stops_while_the_pdf_is_made_gets_no_letter(people, custodian, monkeypatch):
    typeset = paper.typeset

    def stop_meanwhile(letters, *, title):
        stop(person_id=people[0].pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
        return typeset(letters, title=title)

    monkeypatch.setattr(paper, "typeset", stop_meanwhile)
    response = print_by(custodian)
    assert "a person stopped" in told(response)
    assert not Printing.objects.exists()
    assert states() == [(0, "letter"), (0, "letter"), (0, "sent")]


def test_an_address_that_is_missing_is_asked_for_and_then_the_letter_goes(people, custodian):
    Contact.objects.filter(person=people[0]).update(street="")
    shown = custodian.get(PAGE).content.decode()
    assert str(people[0].contact) in shown
    assert str(people[1].contact) not in shown
    assert waiting() == {"baseline": (1, 1)}
    reach = {"email": "", "phone": "", "language": "nl", **HOME}
    change_reach(person_id=people[0].pk, reach=reach, by=make.someone())
    assert waiting() == {"baseline": (2, 0)}


def test_who_consented_and_can_be_reached_in_no_way_is_counted_on_both_pages_and_named_on_one(people, custodian):
    lost = [neighbour(street=""), neighbour(city="")]
    for page in (PAGE, "/t/tilburg/waves/"):
        assert "2 people whom nobody can reach" in custodian.get(page).content.decode()
    shown = custodian.get(PAGE).content.decode()
    assert all(str(person.contact) in shown for person in lost)
    stop(person_id=lost[0].pk, kinds=["stopped_surveys"], day=make.TODAY, by=make.someone())
    assert "1 person whom nobody can reach" in custodian.get("/t/tilburg/waves/").content.decode()


def test_who_gives_an_e_mail_address_gets_the_mail_and_no_letter(people, smtp):
    reach = {"email": "nieuw@post.example", "phone": "", "language": "nl", **HOME}
    change_reach(person_id=people[0].pk, reach=reach, by=make.someone())
    night()
    assert smtp.recipients == ["nieuw@post.example"]
    assert waiting() == {"baseline": (1, 0)}


def test_a_letter_that_would_come_too_late_is_not_printed(people, custodian):
    with clock.at(make.NOW + timedelta(days=41)):
        assert waiting() == {}
        assert "No letters of this questionnaire wait" in told(print_by(custodian))


def test_while_mail_is_held_back_no_letter_is_printed(people, custodian):
    services.hold_mail(trial="tilburg", by=make.someone())
    assert "held back" in told(print_by(custodian))
    assert not Printing.objects.exists()


def test_while_the_vault_is_down_the_letters_wait_and_the_page_says_so(people, custodian, vault):
    vault.down = True
    assert "gives no links" in told(print_by(custodian))
    assert states() == [(0, "letter"), (0, "letter"), (0, "sent")]
    vault.down = False
    assert len(read_pdf(print_by(custodian).content).pages) == 2


def test_letters_of_a_wave_that_is_not_open_yet_wait_and_the_page_says_why(people, custodian, vault):
    vault.unopened = {("tilburg", "baseline")}
    assert "has not opened this questionnaire" in told(print_by(custodian))
    assert not Printing.objects.exists()


def test_who_answered_by_letter_is_known_like_everybody_else_and_gets_no_reminder(tilburg, smtp, sealing, custodian):
    on_paper = [neighbour() for _ in range(4)]
    for _ in range(20):
        make.make_consented()
    night()
    print_by(custodian)
    sealing.submitted = [on_paper[0].pid]
    with clock.at(WEEK):
        night()
        assert waiting() == {"baseline": (3, 0)}
        texts = [page.text for page in read_pdf(print_by(custodian).content).pages]
    assert Baseline.objects.get().person == on_paper[0]
    assert not [text for text in texts if str(on_paper[0].contact) in text]
    assert all("Hebt u al geantwoord?" in text for text in texts)


def test_a_reminder_that_waits_is_dropped_when_its_reader_answers(tilburg, smtp, sealing, custodian):
    on_paper = [neighbour() for _ in range(20)]
    night()
    print_by(custodian)
    with clock.at(WEEK):
        night()
        assert waiting() == {"baseline": (20, 0)}
    sealing.submitted = [person.pid for person in on_paper[:12]]
    with clock.at(WEEK + timedelta(days=1)):
        night()
        assert waiting() == {"baseline": (8, 0)}


def test_reminders_that_pile_up_are_one_letter(people, custodian):
    print_by(custodian)
    with clock.at(make.NOW + timedelta(days=25)):
        night()
        night()
        assert [reminder for reminder, state in states() if state == "letter"] == [1, 1, 2, 2, 3, 3, 3]
        assert waiting() == {
            "baseline": (2, 1)
        }  # the third has e-mail and no postal address, for the letter after 23 days
        assert len(read_pdf(print_by(custodian).content).pages) == 2
        assert waiting() == {"baseline": (0, 1)}


def test_after_a_jam_the_letters_are_printed_again_with_new_links_and_a_reason(people, custodian, recorded):
    before = {link for page in read_pdf(print_by(custodian).content).pages for link in page.links}
    stop(person_id=people[0].pk, kinds=["stopped_surveys"], day=make.TODAY, by=make.someone())
    with recorded() as verbs, clock.at(TOMORROW):
        pages = read_pdf(again_by(custodian).content).pages
    assert len(pages) == 1
    assert not before & set(pages[0].links)
    assert "Have you answered already?" in pages[0].text
    copy = Printing.objects.get(copy=1)
    assert (copy.letters, copy.reason, copy.by.pk) == (1, "jammed", int(custodian.session["_auth_user_id"]))
    assert verbs == ["letters.printed_again"]
    assert "the printer jammed" in custodian.get(PAGE).content.decode()


@pytest.mark.parametrize("asked", [{"reason": ""}, {"reason": "because"}])
def test_without_a_reason_nothing_is_printed_again(people, custodian, asked):
    print_by(custodian)
    assert "Choose why" in told(again_by(custodian, **asked))
    assert Printing.objects.count() == 1


def test_pressing_again_twice_gives_one_copy_until_the_page_is_opened_anew(people, custodian):
    print_by(custodian)
    assert again_by(custodian).status_code == 200
    assert "just now" in told(again_by(custodian))
    assert again_by(custodian, seen=1).status_code == 200
    assert sorted(Printing.objects.values_list("copy", flat=True)) == [0, 1, 2]
    assert again_by(custodian, seen="x").status_code == 400


def test_a_reminder_is_printed_again_on_its_own_day_only(people, custodian):
    print_by(custodian)
    with clock.at(WEEK):
        night()
        print_by(custodian)
        reminders = Printing.objects.latest("pk")
        url, form = f"{PAGE}{reminders.pk}/again/", {"seen": 0, "reason": "jammed"}
        assert custodian.post(url, form).status_code == 200
    with clock.at(WEEK + timedelta(days=1)):
        assert "None of these letters" in told(custodian.post(url, form | {"seen": 1}))


@pytest.mark.django_db(transaction=True)
def test_two_custodians_at_once_print_every_letter_once(smtp, sealing):
    make.make_trial()
    for _ in range(6):
        neighbour()
    night()
    custodians = [make.make_user(Role.CUSTODIAN) for _ in range(3)]

    def printed_by(user):
        return lambda: printing.print_letters(trial="tilburg", wave="baseline", by=user)

    results = together(*[printed_by(user) for user in custodians])
    assert len(faults(results)) == 2
    assert all(isinstance(one, printing.Overtaken | printing.NothingToPrint) for one in faults(results))
    (pdf,) = (one for one in results if isinstance(one, bytes))
    assert len(read_pdf(pdf).pages) == Printing.objects.get().letters == 6


def test_a_large_wave_is_printed_in_parts(people, custodian, monkeypatch):
    monkeypatch.setattr(printing, "MOST", 1)
    assert "Print the first 1 letters" in custodian.get(PAGE).content.decode()
    first, second = (read_pdf(print_by(custodian).content).pages for _ in range(2))
    assert (len(first), len(second)) == (1, 1)
    assert first[0].links != second[0].links
    assert waiting() == {}


def test_a_custodian_of_one_site_prints_no_letter_of_another(db, smtp, sealing):
    make.make_trial("tilburg", make.TWO_SITES)
    make.make_consented(site="tilburg", members=[make.make_member(email="", **HOME)])
    person = make.make_consented(site="goirle", members=[make.make_member(email="", **HOME)]).persons.get()
    night()
    there = make.log_in(make.make_user(Role.CUSTODIAN, site="goirle"))
    (page,) = read_pdf(print_by(there).content).pages
    assert str(person.contact) in page.text
    elsewhere = make.log_in(make.make_user(Role.CUSTODIAN, site="tilburg"))
    assert again_by(elsewhere).status_code == 404


def test_the_page_and_the_printing_take_the_same_queries_for_one_letter_and_for_many(
    tilburg, smtp, sealing, custodian, page_queries, queries
):
    def more(number):
        for _ in range(number):
            neighbour()
            neighbour(street="")
        night()
        return page_queries(custodian, PAGE), queries(lambda: print_by(custodian))

    more(1)
    again_by(custodian)
    counts = [more(number) for number in (1, 6)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mailing_printing SET reason = 'lost'",
        "UPDATE mailing_printing SET copy = 1",
        "UPDATE mailing_printing SET first_id = id",
    ],
)
def test_the_database_takes_no_copy_without_a_reason(people, custodian, statement):
    print_by(custodian)
    with (
        pytest.raises(IntegrityError, match="printing_again_has_reason"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
