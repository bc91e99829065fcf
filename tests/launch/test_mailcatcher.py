"""The mail catcher: takes mail, keeps it, shows it, refuses what is said to be undeliverable."""

import json
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email.message import EmailMessage

import pytest

from tests.running_demo import ROOT, free_ports


class Catcher:
    def __init__(self, directory):
        self.directory, self.page = directory, free_ports()
        self.smtp = self.page + 1

    def __enter__(self):
        ports = ["--page", str(self.page), "--smtp", str(self.smtp)]
        argv = [sys.executable, "-m", "trialmgr.demo.mailcatcher", str(self.directory), *ports]
        self.process = subprocess.Popen(argv, cwd=ROOT)
        deadline = time.monotonic() + 20
        while True:
            try:
                smtplib.SMTP("localhost", self.smtp).quit()
                return self
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(10) == 0

    def send(self, to, subject="Vragenlijst", body="Open https://localhost:1/s/abc_-D. Dank u."):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "proef@localhost", to, subject
        message.set_content(body)
        with smtplib.SMTP("localhost", self.smtp) as smtp:
            smtp.send_message(message)

    def get(self, path, language="nl"):
        request = urllib.request.Request(f"http://localhost:{self.page}{path}", headers={"Accept-Language": language})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            return answer.read().decode()


@pytest.fixture(scope="module")
def catcher(tmp_path_factory):
    with Catcher(tmp_path_factory.mktemp("mail")) as catcher:
        yield catcher


def test_a_mail_shows_its_text_and_a_link_to_click(catcher):
    catcher.send("jan@voorbeeld.example")
    page = catcher.get("/mail/1")
    assert '<a href="https://localhost:1/s/abc_-D">https://localhost:1/s/abc_-D</a>. Dank u.' in page
    assert 'lang="nl"' in page
    assert "Terug naar het postvak" in page
    assert "Back to the mailbox" in catcher.get("/mail/1", language="en-GB,en")


def test_the_newest_mail_comes_first_and_one_recipient_can_be_chosen(catcher):
    catcher.send("els@voorbeeld.example", subject="Tweede")
    rows = json.loads(catcher.get("/messages.json"))
    assert rows[0]["subject"] == "Tweede"
    assert [row["to"] for row in json.loads(catcher.get("/messages.json?to=jan@"))] == ["jan@voorbeeld.example"]


def test_markup_in_a_mail_is_shown_as_text(catcher):
    catcher.send("piet@voorbeeld.example", subject="<script>alert(1)</script>", body="<img src=x onerror=alert(1)>")
    number = json.loads(catcher.get("/messages.json"))[0]["number"]
    for page in (catcher.get("/"), catcher.get(f"/mail/{number}"), catcher.get("/?to=%3Cscript%3E")):
        assert "<script" not in page
        assert "<img" not in page


def test_an_undeliverable_address_is_refused(catcher):
    before = len(json.loads(catcher.get("/messages.json")))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        catcher.send("weg@onbestelbaar.example")
    assert next(iter(refused.value.recipients.values()))[0] == 550
    assert len(json.loads(catcher.get("/messages.json"))) == before


def test_an_unknown_page_says_so(catcher):
    with pytest.raises(urllib.error.HTTPError) as missing:
        catcher.get("/mail/999")
    assert missing.value.code == 404
    assert "Deze pagina bestaat niet" in missing.value.read().decode()
    missing.value.close()


def test_mail_is_still_there_after_a_restart(tmp_path):
    with Catcher(tmp_path / "mail") as first:
        first.send("jan@voorbeeld.example")
    with Catcher(tmp_path / "mail") as second:
        second.send("els@voorbeeld.example")
        assert [row["number"] for row in json.loads(second.get("/messages.json"))] == [2, 1]
