"""The mail of an invitation, and what mails and letters have in common: the occasion, and the words for it."""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.html import format_html, format_html_join

from surveys.mailing.models import Invitation
from surveys.mailing.texts import catalogue
from trialmgr.protocol.selectors import current_protocol

# Mail programs know no style sheets of ours, so each piece carries its own: large letters, and a button for a thumb.
BODY = "margin:0;padding:16px;max-width:36em;font:18px/1.5 Verdana,Arial,sans-serif;overflow-wrap:anywhere"
BUTTON = (
    "display:inline-block;padding:14px 24px;border-radius:4px;background:#0b3d66;color:#ffffff;font-weight:bold;"
    "text-decoration:none"
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a mail or letter is about, in the reader's language."""

    language: str
    trial: str
    number: int
    """Of the questionnaire, from 1; participants know them by order, not by the trial's names for its waves."""
    total: int
    minutes: int
    sender: str
    address: str
    site: str
    """Where the questionnaire is, as one types it."""
    phone: str
    """Where a participant can call; '' when there is no such number."""
    demo: bool
    """Nobody who is written to exists."""

    def say(self, name: str, **facts: object) -> str:
        """A text of ours about this occasion."""
        words = catalogue()[self.language]
        which = words.say("which", number=self.number, total=self.total) if self.total > 1 else ""
        known = {"which": which, "minutes": self.minutes, "trial": self.trial, "site": self.site, "phone": self.phone}
        return words.say(name, **known, **facts)


def language_of(language: str) -> str:
    """The language of ours in which somebody is written to."""
    return language if language in catalogue() else "nl"


def occasions_of(invitation: Invitation) -> dict[str, Occasion]:
    """What an invitation is about, in each language; the same for everybody in a batch."""
    protocol = current_protocol(invitation.trial_id)
    wave = protocol.wave(invitation.wave)
    return {
        language: Occasion(
            language=language,
            trial=protocol.name.text(language),
            number=protocol.waves.index(wave) + 1,
            total=len(protocol.waves),
            minutes=wave.minutes,
            sender=protocol.surveys.sender.text(language),
            address=settings.DEFAULT_FROM_EMAIL,
            site=settings.SURVEY_URL.partition("://")[2],
            phone=settings.HELP_PHONE,
            demo=settings.DEMO,
        )
        for language in catalogue()
    }


def compose(invitation: Invitation, *, to: str, link: str, occasion: Occasion) -> EmailMultiAlternatives:
    """The mail of an invitation; its Message-ID is the same at every attempt, so that a copy is known as one."""
    subject = occasion.say("reminder" if invitation.repeats else "subject")
    before = ["greeting", *["demo"] * occasion.demo, "ask", *["again"] * invitation.repeats]
    after = ["mail_until", "promise", "free", "mail_help" if occasion.phone else "mail_help_no_phone", "regards"]
    last_day = written(invitation.last_day, occasion.language)
    above = [occasion.say(name) for name in before]
    below = [*(occasion.say(name, last_day=last_day) for name in after), occasion.sender]
    host = occasion.address.rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=subject,
        body="\n\n".join([*above, link, *below]) + "\n",
        from_email=f'"{occasion.sender}" <{occasion.address}>',
        to=[to],
        headers={"Message-ID": f"<invitation-{invitation.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(_page(subject, above, link, below, occasion), "text/html")
    return message


def written(day: date, language: str) -> str:
    return format_date(day, "d MMMM y", locale=language)


def _page(subject: str, above: list[str], link: str, below: list[str], occasion: Occasion) -> str:
    """The mail for who reads HTML. It loads nothing, and leads nowhere but to the link."""
    return format_html(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{}</title></head>'
        '<body style="{}">{}<p><a href="{}" style="{}">{}</a></p><p><a href="{}">{}</a></p>{}</body></html>',
        occasion.language,
        subject,
        BODY,
        _paragraphs(above),
        link,
        BUTTON,
        occasion.say("mail_button"),
        link,
        link,
        _paragraphs(below),
    )


def _paragraphs(texts: list[str]) -> str:
    return format_html_join("", "<p>{}</p>", ([text] for text in texts))
