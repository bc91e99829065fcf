"""The mails that a demo sent, kept in a directory."""

import email.policy
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path


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
