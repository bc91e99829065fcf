"""The survey in a real browser on a small phone: without JavaScript, with the keyboard, for assistive technology."""

import pytest
from playwright.sync_api import Page, Response

from tests.answers_store import Person
from tests.chromium import chromium
from tests.survey.browser import faults_of, served

PHONE = {"width": 360, "height": 740}
NARROW = {"width": 320, "height": 568}
TWICE_NARROW = {"width": 640, "height": 1136}
LARGER = ((NARROW, "112.5%"), (TWICE_NARROW, "225%"), (PHONE, "225%"), (NARROW, "168.75%"))
"""A narrow phone; and letters of 200 and 150 per cent."""
SMALL = """() => [...document.querySelectorAll('a, button, summary, label.option, input, textarea')]
    .filter(one => !one.closest('.option') || one.matches('label'))
    .filter(one => !one.matches('.visually-hidden, .skip-link, [type=hidden], li > a, .summary a, p:not(.back) > a'))
    .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height]).filter(([, height]) => height < 48)"""
TINY = """() => [...document.querySelectorAll('body *')]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
    .filter(one => parseFloat(getComputedStyle(one).fontSize) < 18).map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def address(django_db_blocker):
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), served() as url:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the browser's driver runs an event loop in this thread
        yield url


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def phone(browser):
    context = browser.new_context(locale="nl-NL", viewport=PHONE)
    yield context.new_page()
    context.close()


def press(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.click(selector)


def on(page: Page) -> None:
    press(page, ".buttons .button >> nth=0")


def begin(page: Page, address: str, link: str) -> None:
    page.goto(f"{address}/s/{link}")
    press(page, "button[name=begin]")


def states(page: Page, address: str, link: str):
    """Every page and state of the survey, one after the other; gives its name each time."""
    for path in ("/", "/privacy", "/toegankelijkheid", "/bedankt", "/bedankt?verstuurd=1", "/s/kort"):
        page.goto(address + path)
        yield path
    page.goto(address)
    press(page, "main button")
    yield "a link that is not one"
    page.goto(f"{address}/s/{link}")
    yield "start"
    page.click("summary")
    yield "how that is possible"
    press(page, "button[name=begin]")
    yield "a choice"
    on(page)
    yield "skip?"
    page.check("input[value='1']")
    on(page)
    yield "a number"
    page.fill("#antwoord", "veel")
    on(page)
    yield "a wrong number"
    page.fill("#antwoord", "12")
    on(page)
    page.check("input[value='1']")
    on(page)
    yield "several answers"
    press(page, "button[name=taal]")
    yield "in English"
    page.check("input[value=a]")
    on(page)
    on(page)
    press(page, "button[value=overslaan]")
    yield "a date"
    page.fill("#antwoord", "1-1-2020")
    on(page)
    yield "a text"
    page.fill("#antwoord", "ja")
    press(page, "button[value=later]")
    yield "later"
    press(page, "a.other")
    yield "end"
    page.go_back()
    press(page, "button[name=stop]")
    yield "stopped"
    begin(page, address, link)
    page.goto(f"{address}/vraag/1")
    yield "answered elsewhere"


def test_every_state_suits_assistive_technology_and_any_phone(phone, address, link):
    """axe with level AAA contrast, large targets and type, 320 px, double-size text, 40 kB a page, no other host."""
    requests, console, weights, titles = [], [], {}, set()
    phone.on("request", lambda request: requests.append(request.url))
    phone.on("console", lambda message: console.append(message.text) if message.type == "error" else None)
    phone.on("response", lambda response: weights.update({response.url: size_of(response)}))
    for state in states(phone, address, link):
        assert faults_of(phone) == [], state
        assert phone.evaluate(SMALL) == [], state
        assert phone.evaluate(TINY) == [], state
        titles.add(phone.title())
        for viewport, root in LARGER:
            phone.set_viewport_size(viewport)
            phone.evaluate("size => document.documentElement.style.fontSize = size", root)
            assert phone.evaluate("document.documentElement.scrollWidth") <= viewport["width"], (state, root)
        phone.set_viewport_size(PHONE)
        phone.evaluate("document.documentElement.style.fontSize = ''")
    assert len(titles) >= 14
    assert all(url.startswith(address) for url in requests)
    assert [text for text in console if "404" not in text] == []
    shared = sum(size for url, size in weights.items() if "/static/" in url)
    assert shared > 0
    assert shared + max(size for url, size in weights.items() if "/static/" not in url) < 40_000


def size_of(response: Response) -> int:
    return len(response.body()) if response.status == 200 else 0


def test_everything_works_without_javascript(browser, address, wave, person, link):
    context = browser.new_context(locale="nl-NL", viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    begin(page, address, link)
    page.check("input[value='0']")
    on(page)
    page.check("input[value=b]")
    on(page)
    for text in ("3", "1-1-2020", "vrij"):
        page.fill("#antwoord", text)
        on(page)
    press(page, "button[name=verstuur]")
    assert page.url == f"{address}/bedankt?verstuurd=1&taal=nl"
    assert wave.state(person) == "submitted"
    assert context.cookies() == []
    context.close()


def test_everything_works_with_the_keyboard(phone, address, wave, link):
    phone.goto(f"{address}/s/{link}")
    keys(phone, "button[name=begin]")
    with phone.expect_navigation():
        phone.keyboard.press("Enter")
    keys(phone, "input[name=antwoord]")
    phone.keyboard.press("Space")
    with phone.expect_navigation():
        phone.keyboard.press("Enter")
    assert phone.url.endswith("/vraag/2")
    keys(phone, "#antwoord")
    phone.keyboard.type("8")
    with phone.expect_navigation():
        phone.keyboard.press("Enter")
    assert phone.url.endswith("/vraag/3")
    assert dict(wave.rows("draft", "item, value")) == {"work": "1", "hours": "8"}


def keys(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


def test_a_fault_gets_the_focus(phone, address, link):
    begin(phone, address, link)
    on(phone)
    assert "Overslaan?" in phone.evaluate("document.activeElement.innerText")


def test_after_stopping_the_back_button_shows_no_answer(phone, address, make_link, marker):
    begin(phone, address, make_link(Person()))
    page = phone
    page.check("input[value='0']")
    on(page)
    page.check("input[value=a]")
    on(page)
    for text in ("1", "1-1-2020", marker):
        page.fill("#antwoord", text)
        on(page)
    page.goto(f"{address}/vraag/7")
    assert marker in page.content()
    page.goto(f"{address}/later")
    press(page, "button[name=stop]")
    for _ in range(6):
        page.go_back()
        assert marker not in page.content()


def test_an_answer_sent_again_after_the_network_came_back_is_there_once(browser, address, wave, link):
    context = browser.new_context(locale="nl-NL", viewport=PHONE)
    page = context.new_page()
    begin(page, address, link)
    page.check("input[value='1']")
    context.set_offline(True)
    page.click(".buttons .button >> nth=0")
    page.wait_for_url("chrome-error://**")
    context.set_offline(False)
    page.reload()
    page.wait_for_url("**/vraag/2")
    assert wave.rows("draft", "item, value") == [("work", "1")]
    context.close()
