"""The verifier page in Chromium, opened from disk and from a server: same vectors, same verdicts, no network."""

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from randomization.lottery.design import Design
from randomization.lottery.sequential import announce, close, reveal, seal
from tests.chromium import chromium
from tests.lottery import test_tamper, vectors
from tests.lottery.conftest import DESIGNS, design_of, drawn_record, rows_for

PAGE = Path(__file__).parents[2] / "static" / "lottery"
CODES = {
    "unit": "row",
    "unit_in_all_places": "list",
    "unit_removed": "list",
    "unit_added": "list",
    "unit_twice": "order",
    "list_rehashed": "seed",
    "stratum": "row",
    "ratio": "params",
    "renamed_arm": "params",
    "arm": "arm",
    "arm_rehashed": "arm",
    "beacon": "seed",
    "beacon_form": "beacon",
    "event": "event",
    "secret": "secret",
    "secret_recommitted": "seed",
    "seed": "seed",
    "order_of_list": "order",
    "order_of_result": "row",
    "result_hash": "result_hash",
    "version": "version",
    "tab": "name",
    "beacon_removed": "early",
    "result_alone": "early",
}


class Office(SimpleHTTPRequestHandler):
    """The page and the files of one draw, as the office serves them; silent."""

    files = {}

    def do_GET(self):
        if self.path not in self.files:
            super().do_GET()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.files[self.path]).encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def server():
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Office, directory=str(PAGE)))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}/index.html"
    served.shutdown()
    served.server_close()


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests, and what was heard in it: its console, and requests for other than its own files."""
    opened = browser.new_page(locale="nl-NL", viewport={"width": 320, "height": 700})
    heard: list[str] = []
    opened.on("console", lambda message: heard.append(message.text))
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.on("request", lambda request: request.url.startswith(PAGE.as_uri()) or heard.append(request.url))
    yield opened, heard
    opened.close()


@pytest.fixture
def page(window):
    """The page, opened from disk anew; it is silent and asks for nothing."""
    opened, heard = window
    opened.goto((PAGE / "index.html").as_uri())
    yield opened
    said = heard.copy()
    heard.clear()
    assert said == []


def example():
    return json.loads(drawn_record(Design.from_params(vectors.PARAMS), vectors.UNITS).to_json())


def give(page, record, name="record"):
    text = record if isinstance(record, str) else json.dumps(record)
    page.set_input_files(f"#{name}", {"name": "r.json", "mimeType": "application/json", "buffer": text.encode()})


def code_of(page, record, published=None):
    script = """([record, published]) => VLOT1.check(record, published).catch((error) => error.code ?? String(error))"""
    return page.evaluate(script, [record, published])


def test_the_public_example_is_verified_from_disk(page):
    give(page, example())
    expect(page.locator("#verdict")).to_have_text(
        "Klopt. De loting van 12 huishoudens is helemaal overgedaan en geeft dezelfde uitslag."
    )
    expect(page.locator("#outcome")).to_be_focused()
    expect(page.locator("#counts tbody tr").first).to_have_text("north44")


def test_a_file_can_be_dropped_on_the_page(page):
    page.evaluate(
        """(text) => {
            const files = new DataTransfer();
            files.items.add(new File([text], "record.json", { type: "application/json" }));
            const options = { dataTransfer: files, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        json.dumps(example()),
    )
    expect(page.locator("#verdict")).to_contain_text("Klopt. De loting van 12 huishoudens")


def test_it_works_from_a_server_too(browser, server):
    page = browser.new_page()
    page.goto(server)
    give(page, example())
    expect(page.locator("#verdict")).to_contain_text("Klopt.")
    page.close()


def test_the_page_of_a_draw_opens_it_with_its_files_in_its_language(browser, server):
    names = {"en": {"coach": "Own coach", "control": "Ordinary rules"}, "nl": {}}
    record = drawn_record(Design.from_params(vectors.PARAMS), [("H-2CDF-G", "north"), ("H-7KQ2-X", "north")])
    data = json.loads(record.to_json())
    published = {key: data[key] for key in test_tamper.PUBLISHED}
    folder = "/lots/tilburg/1/"
    Office.files = {
        f"{folder}{name}.json": file for name, file in (("record", data), ("published", published), ("groups", names))
    }
    page = browser.new_page()
    page.goto(f"{server}?lang=en&record={folder}record.json&published={folder}published.json")
    expect(page.locator("#verdict")).to_contain_text("Verified. The lottery of 2 households")
    expect(page.get_by_role("link", name="Back to the page of this draw")).to_have_attribute("href", folder)
    expect(page.locator("#counts th").nth(1)).to_have_text("Ordinary rules (control)")
    expect(page.locator("#counts dd").first).to_have_text(data["commitment"])
    page.fill("#unit", "h7kq2x")
    page.keyboard.press("Enter")
    expect(page.locator("#steps")).to_contain_text("How code H-7KQ2-X got its lot")
    give(page, example())  # a file from the own device is not held against those of the draw
    expect(page.locator("#verdict")).to_contain_text("Verified. The lottery of 12 households")
    page.goto(
        f"{server}?lang=fr&record=https://elsewhere.example{folder}record.json&published=//x.example{folder}record.json"
    )
    expect(page.locator("#verdict")).to_have_text("Nog geen bestand gekozen.")
    page.goto(f"{server}?lang=en&record=/lots/tilburg/2/record.json")
    expect(page.locator("#loaded")).to_contain_text("could not be fetched")
    page.close()


@pytest.mark.parametrize("tamper", test_tamper.NAMED, ids=lambda tamper: tamper.__name__)
def test_every_change_is_found_and_named(page, tamper):
    record = example()
    tamper(record)
    assert code_of(page, record) == CODES[tamper.__name__]


@pytest.mark.parametrize("name", DESIGNS)
def test_every_method_is_replayed(page, name):
    design = design_of(name, arms=["één", "twee"])
    record = json.loads(drawn_record(design, rows_for(design)).to_json())
    assert code_of(page, record) == "drawn"
    line = record["result"][7]
    line[2] = "één" if line[2] == "twee" else "twee"
    assert code_of(page, record) == "arm"


def test_names_are_ordered_by_their_bytes(page):
    design = design_of("blocks")
    rows = [(name, "\U0001f3e0|x") for name in ("\uffee", "\U0001f600", "a", "Z", "\u00e9")]
    assert code_of(page, json.loads(drawn_record(design, rows).to_json())) == "drawn"


def test_a_sequential_lottery_at_each_stage(page):
    secret = vectors.SECRET
    record = announce({"north": 8}, design_of("blocks", mode="sequential"), secret, event="9999")
    assert code_of(page, json.loads(record.to_json())) == "published"
    record = seal(record, secret, vectors.BEACON)
    for unit in "abc":
        record, _ = reveal(record, secret, unit=unit, stratum="north")
    data = json.loads(record.to_json())
    assert code_of(page, data) == "sealed"
    data["revealed"][2][3] = "control" if data["revealed"][2][3] == "coach" else "coach"
    assert code_of(page, data) == "revealed"
    assert code_of(page, json.loads(close(record, secret).to_json())) == "drawn"


def test_the_published_record_is_compared(page):
    published = {key: example()[key] for key in ("version", "params_hash", "list_hash", "commitment")}
    assert code_of(page, example(), published) == "drawn"
    give(page, published | {"commitment": "00" * 32}, "published")
    give(page, example())
    expect(page.locator("#verdict")).to_have_text(
        "Klopt niet. commitment is anders dan vóór de loting is gepubliceerd."
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": "VLOT-1"}', "1"])
def test_what_is_no_record_is_refused(page, text):
    give(page, text)
    expect(page.locator("#verdict")).to_have_text(
        re.compile("Klopt niet. (Dit is geen bestand van een loting|Dit bestand hoort niet bij VLOT-1).")
    )


def test_it_speaks_english(page):
    page.get_by_role("button", name="English").click()
    assert page.evaluate("document.documentElement.lang") == "en"
    record = example()
    test_tamper.arm(record)
    give(page, record)
    expect(page.locator("#verdict")).to_have_text(
        "Not verified. Line 5, code u05: the draw gives coach, the file says control."
    )


def test_both_languages_have_the_same_texts(page):
    names = page.evaluate("""() => Object.values(WORDS).map((words) => {
        const list = (part, at) => Object.entries(part).flatMap(([key, value]) =>
            typeof value === "object" ? list(value, `${at}${key}.`) : [`${at}${key}:${typeof value}`]);
        return list(words, "").sort();
    })""")
    assert names[0] == names[1]


def test_one_code_is_shown_step_by_step_with_the_keyboard_alone(page):
    give(page, example())
    expect(page.locator("#tracing")).to_be_visible()
    page.locator("#outcome").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#unit")).to_be_focused()
    page.keyboard.type("u10")
    page.keyboard.press("Enter")
    expect(page.locator("#steps li").nth(1)).to_contain_text("Code u10 kwam op plaats 4.")
    expect(page.locator("#steps p").nth(1)).to_have_text(" ".join(vectors.ORDER["north"]))
    expect(page.locator("#steps li").last).to_have_text("Op plaats 4 lag dus het lot control.")
    expect(page.locator("#steps")).to_be_focused()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_steps_end_with_the_arm_of_the_record(page, name):
    design = design_of(name)
    record = json.loads(drawn_record(design, rows_for(design)).to_json())
    script = """([record, unit]) => VLOT1.trace(record, unit).then(({ place, arm, order, block, step }) =>
        [arm, order[place - 1], step ? step.at(-1) : block.arms[place - block.from]])"""
    for unit, _, arm in record["result"][:6]:
        assert page.evaluate(script, [record, unit]) == [arm, unit, arm]


def test_an_unknown_code_is_said(page):
    give(page, example())
    page.fill("#unit", "u99")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Deze code staat niet op de lijst. Kijk of u hem goed hebt getypt.")
    expect(page.locator("#unit")).to_be_focused()


def test_nothing_can_be_fetched(page):
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("language", ["nl", "en"])
def test_accessible_in_every_state(browser, language):
    page = browser.new_context(bypass_csp=True, viewport={"width": 320, "height": 700}).new_page()
    page.goto((PAGE / "index.html").as_uri())
    page.locator(f"[data-language={language}]").click()
    assert Axe().run(page).violations_count == 0
    give(page, example())
    page.fill("#unit", "u10")
    page.keyboard.press("Enter")
    expect(page.locator("#steps")).to_be_focused()
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
