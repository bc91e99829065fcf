"""Take the README's pictures from a demo that was just started; PORT_BASE as for the demo."""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.journey.conftest import CHROMIUM, PHONE, Person  # noqa: E402
from tests.running_demo import RunningDemo  # noqa: E402

LINK = re.compile(r"/s/[A-Za-z0-9_-]{87}")
PAGE, WIDE, LOW = (1000, 760), (1280, 860), (1280, 700)


@dataclass(frozen=True)
class Picture:
    """A page as one person sees it, width and height in pixels; `follow` is clicked, `top` scrolled to."""

    name: str
    who: str
    process: str
    path: str
    size: tuple[int, int] = PAGE
    follow: str = ""
    top: str = ""


PICTURES = (
    Picture("start", "", "office", "/"),
    Picture("public-draw", "", "office", "/lots/tilburg/1/"),
    Picture("leader", "leider", "office", "/t/tilburg/progress/", WIDE),
    Picture("people", "leider", "office", "/t/tilburg/people/"),
    Picture("coaches", "leider", "office", "/t/tilburg/coaches/"),
    Picture("waves", "beheerder", "office", "/t/tilburg/waves/", LOW),
    Picture("coach-day", "coach1", "office", "/t/tilburg/today/", (360, 740)),
    Picture("coach-contact", "coach1", "office", "/t/tilburg/today/", (360, 740), "main li a", "form[data-save]"),
    Picture("run", "hoofdonderzoeker", "research", "/t/tilburg/runs/", PAGE, "tbody a"),
    Picture("audit", "auditor", "office", "/t/tilburg/audit/"),
)


def main() -> None:
    demo = RunningDemo(Path("var"), int(os.environ.get("PORT_BASE", "8000")))
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        people: dict[str, Person] = {}
        for picture in PICTURES:
            if picture.who not in people:
                people[picture.who] = seated(browser, demo, picture)
            take(people[picture.who].page, demo, picture)
        take_questions(browser, demo)
        browser.close()


def seated(browser: Browser, demo: RunningDemo, picture: Picture) -> Person:
    person = Person(browser, demo)
    return person.log_in(picture.process, f"{picture.who}@demo.example") if picture.who else person


def take(page: Page, demo: RunningDemo, picture: Picture) -> None:
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.goto(demo.url(picture.process, picture.path))
    if picture.follow:
        page.locator(picture.follow).first.click()
        page.wait_for_load_state()
    if picture.top:
        page.locator(picture.top).first.evaluate("element => element.scrollIntoView()")
    page.screenshot(path=HERE / f"{picture.name}.png")


def take_questions(browser: Browser, demo: RunningDemo) -> None:
    """The first pages of a questionnaire that nobody has begun."""
    page = browser.new_context(locale="nl-NL", viewport=PHONE).new_page()
    for mail in json.loads(demo.get("mail", "/messages.json")):
        page.goto(demo.url("survey", LINK.search(mail["body"])[0]))
        page.screenshot(path=HERE / "survey-start.png")
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        if page.url.endswith("/vraag/1"):
            page.screenshot(path=HERE / "survey-question.png")
            return
    sys.exit("every questionnaire of this demo was answered: start it afresh")


if __name__ == "__main__":
    main()
