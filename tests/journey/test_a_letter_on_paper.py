"""The custodian prints letters; the address on one opens the questionnaire, and stands in no file of any process.

Comes before the databases are stolen, so that there is something of letters to steal.
"""

import re
from pathlib import Path

import pytest

from tests.journey.conftest import Person
from tests.read_pdf import read_pdf

pytestmark = pytest.mark.slow
LETTERS = "/t/tilburg/waves/letters/"


@pytest.fixture(scope="module")
def letters(demo, browser):
    """The pages that the custodian downloads."""
    custodian = Person(browser, demo, phone=True)
    custodian.log_in("office", "beheerder@demo.example").go("office", LETTERS)
    button = custodian.page.get_by_role("button", name=re.compile(r"^Print \d+ brie"))
    number = int(re.search(r"\d+", button.inner_text())[0])
    with custodian.page.expect_download() as download:
        button.click()
    pages = read_pdf(Path(download.value.path()).read_bytes()).pages
    custodian.go("office", LETTERS).sees(f"{number} {'brief' if number == 1 else 'brieven'} · Bart Beheer")
    assert not button.count()
    custodian.context.close()
    assert len(pages) == number > 0
    return pages


def test_the_address_in_a_letter_opens_the_questionnaire(letters, demo, someone):
    for page in letters[:2]:
        start, link = page.links[0].split("/s/")
        assert start == demo.url("survey").rstrip("/")
        participant = someone(phone=True).go("survey", f"/s/{link}")
        participant.page.locator("main form button").first.click()
        participant.page.wait_for_url("**/vraag/1")


def test_a_link_of_a_letter_stands_in_no_file_of_any_process(letters, demo):
    links = [page.links[0].rpartition("/")[2].encode() for page in letters]
    files = [path for path in demo.home.rglob("*") if path.is_file()]
    assert len(files) > 500
    assert [
        str(path) for path in files if any(link in content for content in [path.read_bytes()] for link in links)
    ] == []
    mails = b"".join(path.read_bytes() for path in (demo.home / "mail").rglob("*") if path.is_file())
    assert re.search(rb"/s/[A-Za-z0-9_-]{87}", mails)  # where mails are caught, links do stand
