"""The pages of an import: a file is checked, looked at, and confirmed by who uploaded it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from participants import tasks
from participants.models import ImportDraft, Person
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
PEOPLE = "/t/tilburg/people/"
MESSY = (Path(__file__).parent / "data" / "uitdraai.csv").read_bytes()


@pytest.fixture
def support(tilburg):
    return make.log_in(make.make_user(Role.SUPPORT))


def page(response):
    return response.content.decode()


def upload(client, content=MESSY, **over):
    fields = {"round": "first", "day": "2018-03-05", "file": SimpleUploadedFile("uitdraai.csv", content)}
    return client.post(f"{PEOPLE}import/", fields | over, follow=True)


def confirm(client, draft, **over):
    return client.post(f"{PEOPLE}import/{draft}/", over, follow=True)


def test_a_messy_file_is_shown_confirmed_and_imported(support, recorded):
    shown = page(upload(support))
    assert "5 persons to import, without faults" in shown
    assert "1 row repeats an earlier one" in shown
    assert "They form 4 households." in shown
    assert "a household apart" not in shown
    assert not Person.objects.exists()
    with recorded() as verbs:
        assert "4 households were entered" in page(confirm(support, ImportDraft.objects.get().pk))
    assert Person.objects.count() == 5
    assert not ImportDraft.objects.exists()
    assert verbs == ["households.solicited"]


def test_a_file_without_household_numbers_says_that_partners_are_not_kept_together(support):
    header = b"Clientnr;Voornaam;Achternaam;Geboortedatum;E-mail"
    piet, mia = b"1;Piet;Smit;3-4-1980;p@x.example", b"2;Mia;Smit;4-5-1981;m@x.example"
    shown = page(upload(support, b"\n".join([header, piet, mia])))
    assert "They form 2 households." in shown
    assert "everybody becomes a household apart" in shown
    numbered = [b"Huishoudnr;Samenstelling;" + header, b"7;paar;" + piet, b"7;paar;" + mia]
    shown = page(upload(support, b"\n".join(numbered)))
    assert "They form 1 household." in shown
    assert "a household apart" not in shown


def test_formulas_and_scripts_in_a_file_stay_text(support):
    shown = page(upload(support))
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    confirm(support, ImportDraft.objects.get().pk)
    assert "<script>alert(1)" not in page(support.get(PEOPLE))


def test_one_bad_row_and_nothing_is_kept(support):
    bad = MESSY.replace(b"29-2-1984", b"30-2-1984")
    response = upload(support, bad)
    assert response.status_code == 422
    assert "uitdraai.csv: row 8: day of birth" in page(response)
    assert "1 fault; nothing was imported" in page(response)
    assert not ImportDraft.objects.exists()
    assert not Person.objects.exists()


def test_confirming_twice_imports_once(support):
    upload(support)
    draft = ImportDraft.objects.get().pk
    confirm(support, draft)
    assert "confirmed already" in page(confirm(support, draft))
    assert Person.objects.count() == 5


def test_what_would_be_stored_is_shown_at_an_address_of_its_own_and_can_be_gone_back_to(support):
    response = upload(support)
    address = f"{PEOPLE}import/{ImportDraft.objects.get().pk}/"
    assert response.redirect_chain == [(address, 302)]
    for shown in (page(response), page(support.get(address))):
        for text in ("D-1", "Lange Nieuwstraat 12a", "Tilburg", "5038 EA", "van den"):
            assert f">{text}</td>" in shown
        assert 'Straat en huisnummer <span class="text-secondary">(street)</span>' in shown
        assert "Not read:</strong> Opmerking." in shown


def test_who_is_in_the_trial_already_is_shown_row_by_row_and_can_be_left_out(support):
    make.make_household(members=[make.make_member(client_number="100236")])
    known = make.make_member(client_number="K1", first_name="Zoe", surname="Bergh", born_on=date(1975, 4, 3))
    make.make_household(members=[known])
    shown = page(upload(support))
    assert "2 persons to import" in shown
    assert "Row 2, Bergh: in this trial already, client number K1." in shown
    assert "Row 3, Müller-de Vries: the partner is in this trial already, client number K1." in shown
    assert "Row 6, Hoff: in this trial already, client number 100236." in shown
    draft = ImportDraft.objects.get().pk
    assert "Look at the rows again" in page(confirm(support, draft))
    assert "2 households were entered" in page(confirm(support, draft, leave_out="yes"))
    assert Person.objects.count() == 4


def test_of_a_file_that_was_imported_before_nothing_is_new(support):
    upload(support)
    confirm(support, ImportDraft.objects.get().pk)
    shown = page(upload(support))
    assert "5 rows are not new" in shown
    assert 'name="leave_out"' not in shown
    draft = ImportDraft.objects.get().pk
    assert "Everybody in this file is in the trial already" in page(confirm(support, draft, leave_out="yes"))
    assert Person.objects.count() == 5


def test_of_thousands_of_faults_the_first_hundred_are_shown_and_the_others_counted(support):
    rows = b"".join(b"%d;A;B;x\n" % number for number in range(1200))
    shown = page(upload(support, b"clientnummer;voornaam;achternaam;geboortedatum\n" + rows))
    assert "1,200 faults; nothing was imported" in shown
    assert shown.count("is not a date") == 100
    assert "And 1,100 more" in shown


def test_a_file_waits_an_hour_and_then_goes(support):
    upload(support)
    draft = ImportDraft.objects.get().pk
    with clock.at(make.NOW + timedelta(minutes=61)):
        assert "waited more than an hour" in page(confirm(support, draft))
        assert ImportDraft.objects.exists()
        tasks.drop_old_imports()
    assert not ImportDraft.objects.exists()


def test_the_file_of_a_colleague_cannot_be_confirmed(support):
    upload(support)
    colleague = make.log_in(make.make_user(Role.SUPPORT))
    assert "confirmed already" in page(confirm(colleague, ImportDraft.objects.get().pk))
    assert not Person.objects.exists()


def test_after_the_round_closed_no_file_is_imported(support):
    with clock.at(make.NOW.replace(year=2019)):
        upload(support, day="2019-03-05")
        assert "closed on" in page(confirm(support, ImportDraft.objects.get().pk))
    assert not Person.objects.exists()


def test_a_site_imports_people_of_that_site_only(db):
    make.make_trial("tilburg", make.TWO_SITES)
    there = make.log_in(make.make_user(Role.SUPPORT, site="goirle"))
    content = b"clientnummer;voornaam;achternaam;geboortedatum;gemeente\n1;A;B;3-4-1975;tilburg\n"
    response = upload(there, content)
    assert response.status_code == 422
    assert "is not in the protocol" in page(response)


def test_a_file_with_people_of_a_site_is_lost_with_the_role_there(db):
    make.make_trial("tilburg", make.TWO_SITES)
    user = make.make_user(Role.SUPPORT, site="goirle")
    make.give(user, Role.SUPPORT, site="tilburg")
    client = make.log_in(user)
    upload(client, b"clientnummer;voornaam;achternaam;geboortedatum;gemeente\n1;A;B;3-4-1975;tilburg\n")
    user.memberships.filter(site="tilburg").update(ended_at=make.NOW)
    assert "confirmed already" in page(confirm(client, ImportDraft.objects.get().pk))
    assert not Person.objects.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\x00", b"\xff\xfe\x00"])
def test_what_is_no_list_is_refused_on_the_page(support, content):
    response = upload(support, content)
    assert response.status_code == 422
    assert not ImportDraft.objects.exists()


def test_a_file_that_is_too_large_is_not_received_and_the_page_says_what_would_be_right(support, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = upload(support, MESSY * 10)
    assert response.status_code == 422
    assert "at most 20 MB" in page(response)
