"""One more person by hand, from sign-up to the count of answers, and a sealed result that is opened."""

import os
import re
import signal
from pathlib import Path

import psycopg
import pytest

from tests.journey.conftest import mail_to, wait_for
from trialmgr.demo.environment import Place

pytestmark = pytest.mark.slow
ADDRESS = "fenna.van.den.heuvel@deelnemer.example"
EVENT, DIGITS = "20181213", "5b" * 32
LINK = re.compile(r"/s/[A-Za-z0-9_-]{87}")


def test_one_more_person_goes_through_the_whole_trial(demo, someone):
    leader = someone().log_in("office", "leider@demo.example")
    code = enrol(leader)
    kill_the_office_worker(demo)
    leader.press("Laat een nacht voorbijgaan")
    link = LINK.search(mail_to(demo, ADDRESS, about="(1 van"))[0]

    before = answered(leader)
    answer_everything(someone(phone=True), link)
    next_night(leader)
    wait_for(lambda: answered(leader) == before + 1, "the count of answers went up by one")

    draw(leader, someone().log_in("office", "statisticus@demo.example"))
    someone(phone=True).go("office", f"/lots/tilburg/2/?code={code}").sees(f"Code {code} zit in de groep")
    coach_logs_a_contact(leader, someone, code)
    leader.turns_to_english_on_the_narrowest_phone("office")
    for place in (
        "progress",
        "protocol",
        "people",
        "people/add",
        f"people/{code}",
        "draws",
        "draws/2",
        "staff",
        "coaches",
    ):
        leader.go("office", f"/t/tilburg/{place}/")
    leader.sees("The protocol asks for")
    nobody_learns_who_answered(demo)


def test_a_sealed_result_opens_when_two_persons_agree(demo, someone):
    researcher = someone().log_in("research", "onderzoeker@demo.example").go("research", "/t/tilburg/runs/")
    path = researcher.page.locator("tbody a").first.get_attribute("href")
    wait_for(lambda: "klaar" in researcher.go("research", path).page.inner_text("main"), "the run was done")
    researcher.sees("De uitkomst is verzegeld")
    leader = someone().log_in("office", "leider@demo.example").go("office", "/t/tilburg/progress/")
    leader.sees("Er is nog niets vrijgegeven.")

    principal = someone().log_in("research", "hoofdonderzoeker@demo.example").go("research", path)
    principal.page.fill("textarea[name=ground]", "Besluit van de stuurgroep van 10-12-2018.")
    principal.press("Stel voor om haar eerder te openen").sees("Iemand anders bevestigt het.")
    steward = someone().log_in("research", "datasteward@demo.example").go("research", path)
    steward.press("Bevestig: open de uitkomst").sees("Welbevinden bij de tussenmeting")
    researcher.go("research", path).sees("Vergeleken met: Gewone regels.")
    researcher.turns_to_english_on_the_narrowest_phone("research").go("research", path).sees("Compared with:")

    wait_for(
        lambda: "Uitkomst ontvangen op" in leader.go("office", "/t/tilburg/progress/").page.inner_text("main"),
        "the office received the released result",
    )
    leader.page.get_by_role("link", name=re.compile("Uitkomst ontvangen op")).click()
    leader.sees("Uitstroom naar werk na 12 maanden").sees("Vóór het einde van het embargo geopend")


def test_a_participant_without_javascript_can_read_and_begin(demo, someone):
    participant = someone(phone=True, javascript=False)
    body = mail_to(demo, "", about="(2 van")
    participant.go("survey", LINK.search(body)[0])
    participant.page.locator("main form button").first.click()
    participant.page.wait_for_load_state()
    assert participant.page.url.endswith("/vraag/1") or "Dank u wel" in participant.page.inner_text("main")


def enrol(leader) -> str:
    leader.go("office", "/t/tilburg/people/").follow("Een huishouden invoeren")
    page = leader.page
    page.fill("input[name=benefit_since]", "2016-02-01")
    page.fill("input[name=first-client_number]", "49000001")
    page.fill("input[name=first-first_name]", "Fenna")
    page.fill("input[name=first-surname]", "van den Heuvel")
    page.fill("input[name=first-born_on]", "1979-05-06")
    page.fill("input[name=first-email]", ADDRESS)
    leader.press("Opslaan").sees("Fenna van den Heuvel")
    for question in page.locator("main fieldset:has(input[type=radio])").all():
        text = question.inner_text()
        wanted = "no" if re.search("studie|opleiding|verhui", text, re.IGNORECASE) else "yes"
        question.locator(f"input[value={wanted}]").check()
    leader.press("Controle opslaan").sees("Mag meedoen.")
    for radio in page.locator("main input[type=radio][value=yes]").all():
        radio.check()
    leader.press("Toestemming opslaan").sees("Toestemming vastgelegd.")
    return page.url.rstrip("/").rsplit("/", 1)[1]


def kill_the_office_worker(demo) -> None:
    """It comes back, and the mail of the night goes out all the same."""
    for pid in demo.processes():
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"worker\0--queues\0office" in command.read_bytes():
            os.kill(pid, signal.SIGKILL)


def next_night(leader) -> None:
    leader.go("office", "/t/tilburg/progress/").press("Laat een nacht voorbijgaan")


def answered(leader) -> int:
    """Answers to the baseline that the leader's page counts."""
    leader.go("office", "/t/tilburg/progress/")
    row = leader.page.locator("tr", has_text="Nulmeting")
    return int(row.locator("td").nth(7).inner_text().replace(".", "").split()[0])


def answer_everything(participant, link: str) -> None:
    """Question by question on a phone: the first answer of each list, a number where one is asked."""
    participant.go("survey", link)
    participant.page.locator("main form button").first.click()
    participant.page.wait_for_load_state()
    page = participant.page
    for number in range(90):
        if "/vraag/" not in page.url:
            break
        options = page.locator("main input[type=radio], main input[type=checkbox]")
        if options.count():
            options.first.check()
        else:
            page.locator("main form").locator("input:not([type=hidden]), textarea").first.fill("2")
        if number % 12 == 0:
            participant.looks_right()
        page.get_by_role("button", name="Volgende", exact=True).click()
        page.wait_for_load_state()
    participant.looks_right()
    if "Dank u wel" not in page.inner_text("main"):
        page.locator("main form button").first.click()
        page.wait_for_load_state()
    participant.sees("Dank u wel").looks_right()


def draw(leader, statistician) -> None:
    statistician.go("office", "/t/tilburg/draws/")
    statistician.page.fill("input[name=event]", EVENT)
    statistician.page.fill("input[name=event_on]", f"{EVENT[:4]}-{EVENT[4:6]}-{EVENT[6:]}")
    statistician.page.fill("textarea[name=source]", "Dobbelstenen in de raadzaal.")
    statistician.press("Sluit de lijst")
    path = "/t/tilburg/draws/2/"
    wait_for(
        lambda: "kan het getal hier worden ingevoerd" in statistician.go("office", path).page.inner_text("main"),
        "the list was published",
    )
    next_night(leader)
    statistician.go("office", path).page.fill("textarea[name=beacon]", f"{EVENT}:{DIGITS}")
    statistician.press("Invoeren").sees("Iemand anders bevestigt het.")
    leader.go("office", path).page.fill("textarea[name=beacon]", f"{EVENT}:{DIGITS}")
    leader.press("Bevestig en loot")
    wait_for(
        lambda: "Huishoudens per stratum en groep" in leader.go("office", path).page.inner_text("main"),
        "the worker drew the lots",
    )


def coach_logs_a_contact(leader, someone, code: str) -> None:
    leader.go("office", "/t/tilburg/coaches/")
    if leader.page.get_by_role("button", name="Verdeel ze gelijk").count():
        leader.press("Verdeel ze gelijk")
    leader.go("office", f"/t/tilburg/coaches/{code}/")
    page = leader.page
    if "Nu geen coach." in page.inner_text("main"):  # drawn into a group without a coach of the trial
        page.select_option("select[name=coach]", label="Coach Amber")
        leader.press("Opslaan").go("office", f"/t/tilburg/coaches/{code}/")
    name = re.search(r"Coach nu: Coach (\w+)", page.inner_text("main"))[1]
    place = ["Amber", "Bilal", "Cor", "Dewi", "Els", "Faas"].index(name) + 1
    coach = someone(phone=True).log_in("office", f"coach{place}@demo.example")
    coach.go("office", f"/t/tilburg/caseload/{code}/").sees("Regels van deze groep")
    coach.page.get_by_label("thuis").check()
    coach.page.fill("textarea[name=note]", "Kennismaking aan de keukentafel.")
    coach.press("Opslaan").sees("Contact opgeslagen.")
    coach.go("office", f"/t/tilburg/caseload/{code}/").sees("Kennismaking aan de keukentafel.")
    coach.turns_to_english_on_the_narrowest_phone("office").go("office", "/t/tilburg/today/").sees("Today")
    coach.go("office", f"/t/tilburg/caseload/{code}/").sees("Rules of this group")


def nobody_learns_who_answered(demo) -> None:
    """The login of the office's pages is refused the one table that says who."""
    office = Place.at(demo.home, port_base=demo.port_base).clusters["office"]
    for table in ("mailing_response", "participants_baseline"):
        with (
            psycopg.connect(office.dsn("office_web")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"SELECT count(*) FROM {table}")
