import email
import email.policy
import logging
import socket

import pytest
from aiosmtpd.controller import Controller

from surveys.mailing import vault_client


class MailServer:
    """A real SMTP server on this machine that can be told what to answer; keeps what it took."""

    def __init__(self):
        self.taken = []
        self.answers = {}  # to RCPT, by address
        self.at_data = []  # to DATA, one after the other

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self.at_data.pop(0) if self.at_data else "250 kept"
        if answer.startswith("250"):
            self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return answer

    @property
    def recipients(self):
        return [message["To"] for message in self.taken]


class Vault:
    """Answers as the vault does; a real one is met in tests/vault and in the journey."""

    def __init__(self):
        self.down, self.asked, self.submitted = False, [], []
        self.unopened = set()  # waves, each with its trial
        self.refused = set()  # persons

    def ask(self, address, body):
        self.asked.append((address, body))
        if self.down:
            raise vault_client.VaultDown("the vault does not answer")
        if (body["study"], body.get("wave")) in self.unopened:
            raise vault_client.WaveUnknown("open it on the research side first")
        if body.get("pid") in self.refused:
            raise vault_client.VaultRefused("not this one")
        if address == "seal":
            return {"links": [f"{place}-{pid[::-1]}" for place, pid in enumerate(body["pids"])]}
        if address == "erase":
            return {}
        if len(body["pids"]) < 20:
            raise vault_client.VaultRefused("too few")
        return {"submitted": [pid for pid in body["pids"] if pid in self.submitted]}


@pytest.fixture
def smtp(settings):
    server = MailServer()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    server.stop = controller.stop
    yield server
    if controller.server is not None:
        controller.stop()


@pytest.fixture
def vault(monkeypatch):
    vault = Vault()
    monkeypatch.setattr(vault_client, "ask", vault.ask)
    return vault
