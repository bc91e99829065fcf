"""One small demo for all journeys, and browsers that walk through it."""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.chromium import chromium
from tests.running_demo import RunningDemo

PASSWORD = "proef-in-vertrouwen"
PHONE = {"width": 360, "height": 740}
NARROWEST = {"width": 320, "height": 640}
REPEATED = "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) < at)"
CHANGING = re.compile(r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|(?<=>)[^<]+|\d+')
"""What differs between two pages of one form: tokens, words and numbers."""
PATIENCE = 90_000  # milliseconds that a background job may take


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningDemo]:
    place = Path(tempfile.mkdtemp(prefix="trialmgr-journey-"))
    place.chmod(0o711)
    demo = RunningDemo(place / "var", homes=90).start().wait_until_ready(600)
    yield demo
    if demo.process.poll() is None:
        demo.stop()
    shutil.rmtree(place)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


class Person:
    """Somebody at a browser. Every page they come to is held against axe's rules, once a form."""

    logged_in: ClassVar[dict[tuple[str, str], list[Any]]] = {}
    right: ClassVar[set[tuple[int, str]]] = set()

    def __init__(self, browser: Browser, demo: RunningDemo, *, phone: bool = False, javascript: bool = True) -> None:
        size = PHONE if phone else {"width": 1200, "height": 900}
        self.demo, self.phone = demo, phone
        self.context = browser.new_context(locale="nl-NL", viewport=size, java_script_enabled=javascript)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.javascript = javascript

    def go(self, process: str, path: str) -> "Person":
        answer = self.page.goto(self.demo.url(process, path))
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return self.looks_right()

    def press(self, name: str) -> "Person":
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        return self.looks_right()

    def follow(self, name: str) -> "Person":
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        return self.looks_right()

    def looks_right(self) -> "Person":
        """No axe violation, no id twice, and on a phone nothing sticks out."""
        form = self.page.viewport_size["width"], CHANGING.sub("", self.page.content())
        if self.javascript and form not in self.right:
            self.right.add(form)
            found = Axe().run(self.page).response["violations"]
            assert not found, [(one["id"], one["nodes"][0]["html"][:200]) for one in found]
            assert not self.page.evaluate(REPEATED), self.page.url
        if self.javascript and self.phone:
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= self.page.viewport_size["width"], f"{self.page.url} is {wide} pixels wide"
        return self

    def turns_to_english_on_the_narrowest_phone(self, process: str) -> "Person":
        language = {"name": f"{process}-language", "value": "en", "url": self.demo.url(process)}
        self.context.add_cookies([language])
        self.page.set_viewport_size(NARROWEST)
        self.phone = True
        return self

    def sees(self, text: str) -> "Person":
        expect(self.page.locator("main")).to_contain_text(text)
        return self

    def log_in(self, process: str, email: str) -> "Person":
        """With password and the demo's one-click second factor; who did so before is still logged in."""
        known = self.logged_in.get((process, email))
        if known:
            self.context.add_cookies(known)
            return self
        self.go(process, "/account/login/")
        self.page.fill("input[name=login]", email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.locator("main form button").first.click()
        self.page.wait_for_url("**/second-factor/")
        self.press("Voeg de demonstratiefactor toe")
        self.logged_in[process, email] = self.context.cookies()
        return self


@pytest.fixture
def someone(browser: Browser, demo: RunningDemo) -> Iterator[Callable[..., Person]]:
    """Sits somebody down at a browser of their own."""
    people: list[Person] = []

    def sit_down(**how: bool) -> Person:
        people.append(Person(browser, demo, **how))
        return people[-1]

    yield sit_down
    for person in people:
        person.context.close()


def mail_to(demo: RunningDemo, address: str, *, about: str) -> str:
    """The text of the mail to this address with this word in its subject, once it has come."""
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        for mail in json.loads(demo.get("mail", f"/messages.json?to={address}")):
            if about in mail["subject"]:
                return str(mail["body"])
        time.sleep(0.5)
    raise AssertionError(f"no mail about {about} came to {address}")


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.5)
