"""Takes every mail of a demo, keeps it in a directory, and shows it on a small page. Nothing leaves the machine.

A mail to an address at `onbestelbaar.example` is refused, to show what happens to an address that is wrong.
"""

import argparse
import asyncio
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from trialmgr.demo import mailpages
from trialmgr.demo.mailbox import Mail, Mailbox

REFUSED = "@onbestelbaar.example"


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
