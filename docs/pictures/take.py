"""Take the README's pictures from a demo that was just started; PORT_BASE as for the demo."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from trialmgr.demo.bootstrap import BROWSERS  # noqa: E402
from trialmgr.demo.environment import PORTS  # noqa: E402

BASE = int(os.environ.get("PORT_BASE", "8000"))
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--lang=nl"]
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
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        people: dict[str, BrowserContext] = {}
        for picture in PICTURES:
            if picture.who not in people:
                people[picture.who] = browser.new_context(locale="nl-NL")
                log_in(people[picture.who], picture)
            take(people[picture.who].new_page(), picture)
        take_questions(browser)
        browser.close()


def address(process: str, path: str) -> str:
    return f"http://localhost:{BASE + PORTS[process]}{path}"


def log_in(context: BrowserContext, picture: Picture) -> None:
    """With the one click that gives a second factor at the first login of an account."""
    if not picture.who:
        return
    page = context.new_page()
    page.goto(address(picture.process, "/"))
    password = page.locator("main p .code").inner_text()  # the start page of a demo tells it
    page.goto(address(picture.process, "/account/login/"))
    page.fill("input[name=login]", f"{picture.who}@demo.example")
    page.fill("input[name=password]", password)
    for _step in range(2):
        page.locator("main form button").first.click()
        page.wait_for_load_state()
    if "/account/" in page.url:
        sys.exit(f"{picture.who} has logged in before: start the demo afresh")


def take(page: Page, picture: Picture) -> None:
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.goto(address(picture.process, picture.path))
    if picture.follow:
        page.locator(picture.follow).first.click()
        page.wait_for_load_state()
    if picture.top:
        page.locator(picture.top).first.evaluate("element => element.scrollIntoView({behavior: 'instant'})")
    page.screenshot(path=HERE / f"{picture.name}.png")
    page.close()


def take_questions(browser: Browser) -> None:
    """The first pages of a questionnaire that nobody has begun."""
    page = browser.new_context(locale="nl-NL", viewport={"width": 360, "height": 740}).new_page()
    for mail in page.request.get(address("mail", "/messages.json")).json():
        page.goto(address("survey", LINK.search(mail["body"])[0]))
        page.screenshot(path=HERE / "survey-start.png")
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        if page.url.endswith("/vraag/1"):
            page.screenshot(path=HERE / "survey-question.png")
            return
    sys.exit("every questionnaire of this demo was answered: start it afresh")


if __name__ == "__main__":
    main()
