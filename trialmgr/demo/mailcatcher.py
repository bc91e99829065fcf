"""Takes every mail of a demo, keeps it in a directory, and shows it on a small page. Nothing leaves the machine.

A mail to an address at `onbestelbaar.example` is refused, to show what happens to an address that is wrong.
"""

import argparse
import asyncio
import email.policy
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from trialmgr.demo import mailpages

REFUSED = "@onbestelbaar.example"


@dataclass(frozen=True)
class Mail:
    """One mail that came in; its number counts from 1 in order of arrival."""

    number: int
    arrived: datetime
    message: EmailMessage

    @property
    def to(self) -> str:
        return str(self.message["X-Envelope-To"] or self.message["To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def body(self) -> str:
        """The plain text part: what a person reads who sees no markup."""
        part = self.message.get_body(("plain", "html"))
        return str(part.get_content()) if part else ""

    def as_row(self) -> dict[str, str | int]:
        return {"number": self.number, "to": self.to, "subject": self.subject, "body": self.body}


class Mailbox:
    """The mails in a directory, one file each, named by number and moment of arrival."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._files = sorted(directory.glob("*.eml"))

    def add(self, content: bytes, sender: str, recipients: list[str]) -> Path:
        """Keep a mail; when this returns it is on disk."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        head = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n".encode()
        with self._lock:
            path = self.directory / f"{self._next():07d}-{moment}.eml"
            draft = path.with_suffix(".new")
            with draft.open("wb") as file:
                file.write(head + content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            self._files.append(path)
        return path

    def _next(self) -> int:
        return int(self._files[-1].name.split("-")[0]) + 1 if self._files else 1

    def get(self, number: int) -> Mail | None:
        path = next((path for path in self._files if path.name.startswith(f"{number:07d}-")), None)
        return self._read(path) if path else None

    def mails(self) -> Iterator[Mail]:
        """Every mail, oldest first."""
        return map(self._read, list(self._files))

    def newest(self, *, to: str = "", before: int = 0, limit: int = 50) -> list[Mail]:
        """The latest mails first, of one recipient when `to` is given, older than number `before` when that is."""
        found: list[Mail] = []
        for path in reversed(list(self._files)):
            if before and int(path.name.split("-")[0]) >= before:
                continue
            mail = self._read(path)
            if to.lower() in mail.to.lower():
                found.append(mail)
            if len(found) == limit:
                break
        return found

    @staticmethod
    def _read(path: Path) -> Mail:
        number, _, moment = path.stem.partition("-")
        message = BytesParser(policy=email.policy.default).parsebytes(path.read_bytes())
        return Mail(int(number), datetime.strptime(moment, "%Y%m%dT%H%M%S").replace(tzinfo=UTC), message)


class Receiver:
    """What aiosmtpd asks at each step of a delivery."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower().endswith(REFUSED):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        await asyncio.to_thread(self.mailbox.add, content, envelope.mail_from or "", envelope.rcpt_tos)
        return "250 kept"


class Page(BaseHTTPRequestHandler):
    """The pages: the list, one mail, its source, and the list as JSON for scripts."""

    mailbox: ClassVar[Mailbox]
    server_version = "mailcatcher"
    sys_version = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        language = mailpages.language(query.get("lang", ""), self.headers.get("Accept-Language", ""))
        step, _, rest = parts.path.strip("/").partition("/")
        number, _, form = rest.partition("/")
        if step == "mail" and number.isdecimal() and (mail := self.mailbox.get(int(number))):
            self._mail(mail, form, language)
        elif step in {"", "messages.json"}:
            self._list(query, language, as_json=bool(step))
        elif step == "style.css":
            self._send(mailpages.STYLE, "text/css")
        elif step == "healthz":
            self._send(json.dumps({"process": "mail", "ok": True, "checks": {}}), "application/json")
        else:
            self._send(mailpages.missing(language), status=404)

    do_HEAD = do_GET  # noqa: N815 -- the name that http.server looks for

    def _mail(self, mail: Mail, form: str, language: str) -> None:
        if form == "source":
            self._send(mail.message.as_string(), "text/plain")
        else:
            self._send(mailpages.one(mail, language))

    def _list(self, query: dict[str, str], language: str, *, as_json: bool) -> None:
        before = int(query["before"]) if query.get("before", "").isdecimal() else 0
        mails = self.mailbox.newest(to=query.get("to", ""), before=before)
        if as_json:
            rows = [
                {"number": mail.number, "to": mail.to, "subject": mail.subject, "body": mail.body} for mail in mails
            ]
            self._send(json.dumps(rows), "application/json")
        else:
            self._send(mailpages.listing(mails, query.get("to", ""), language))

    def _send(self, body: str, kind: str = "text/html", status: int = 200) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in (mailpages.HEADERS | {"Content-Type": f"{kind}; charset=utf-8"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Nothing: a request's address may hold a mail address."""


async def receive(mailbox: Mailbox, port: int, stopped: asyncio.Event) -> None:
    """Take mail on a port of this machine until told to stop."""
    loop = asyncio.get_running_loop()
    handler = Receiver(mailbox)
    listening = await loop.create_server(lambda: SMTP(handler, loop=loop, ident="mailcatcher"), "127.0.0.1", port)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopped.set)
    async with listening:
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Catch the mail of a demo and show it on a page.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--page", type=int, required=True, help="port of the page")
    parser.add_argument("--smtp", type=int, required=True, help="port that takes mail")
    options = parser.parse_args()
    mailbox = Mailbox(options.directory)
    handler = type("MailPage", (Page,), {"mailbox": mailbox})
    pages = ThreadingHTTPServer(("127.0.0.1", options.page), handler)
    pages.daemon_threads = True
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    asyncio.run(receive(mailbox, options.smtp, asyncio.Event()))
    pages.shutdown()


if __name__ == "__main__":
    main()
