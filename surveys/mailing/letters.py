"""The words of the mail, from a closed list of placeholders: no template code, no names in the subject."""

from dataclasses import dataclass
from datetime import date
from string import Template

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.html import escape

from surveys.mailing.models import Invitation
from trialmgr.protocol.selectors import current_protocol

WORDS = {
    "nl": {
        "subject": Template("Uw vragenlijst$which"),
        "reminder": Template("Nog even over uw vragenlijst$which"),
        "which": Template(" $number van $total"),
        "greeting": "Beste deelnemer,",
        "ask": Template("Wilt u onze vragen beantwoorden? Dat duurt ongeveer $minutes minuten. U doet mee aan $trial."),
        "again": "Hebt u al geantwoord? Dan hoeft u niets te doen. Dank u wel.",
        "button": "Begin met de vragenlijst",
        "until": Template("U kunt antwoorden tot en met $last_day."),
        "promise": "De gemeente en de onderzoekers kunnen niet zien wie welke antwoorden geeft.",
        "free": "Meedoen mag, het hoeft niet. Dat heeft geen gevolgen voor uw uitkering.",
        "help": Template("Hulp nodig? Bel $phone."),
    },
    "en": {
        "subject": Template("Your questionnaire$which"),
        "reminder": Template("About your questionnaire$which"),
        "which": Template(" $number of $total"),
        "greeting": "Dear participant,",
        "ask": Template("Would you answer our questions? It takes about $minutes minutes. You take part in $trial."),
        "again": "Have you answered already? Then you need not do anything. Thank you.",
        "button": "Start the questionnaire",
        "until": Template("You can answer up to and including $last_day."),
        "promise": "The municipality and the researchers cannot see who gives which answers.",
        "free": "You may take part, you do not have to. It has no consequences for your benefit.",
        "help": Template("Need help? Call $phone."),
    },
}


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
    phone: str
    """Where a participant can call; '' when there is no such number."""


def language_of(language: str) -> str:
    """The language of ours in which somebody is written to."""
    return language if language in WORDS else "nl"


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
            phone=settings.HELP_PHONE,
        )
        for language in WORDS
    }


def compose(invitation: Invitation, *, to: str, link: str, occasion: Occasion) -> EmailMultiAlternatives:
    """The mail of an invitation; its Message-ID is the same at every attempt, so that a copy is known as one."""
    words = WORDS[occasion.language]
    paragraphs = [
        words["greeting"],
        words["ask"].substitute(minutes=occasion.minutes, trial=occasion.trial),
        *([words["again"]] if invitation.reminder else []),
        link,
        words["until"].substitute(last_day=written(invitation.last_day)),
        words["promise"],
        words["free"],
        *([words["help"].substitute(phone=occasion.phone)] if occasion.phone else []),
        occasion.sender,
    ]
    which = words["which"].substitute(number=occasion.number, total=occasion.total) if occasion.total > 1 else ""
    subject = words["reminder" if invitation.reminder else "subject"].substitute(which=which)
    host = occasion.address.rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=subject,
        body="\n\n".join(paragraphs) + "\n",
        from_email=f'"{occasion.sender}" <{occasion.address}>',
        to=[to],
        headers={"Message-ID": f"<invitation-{invitation.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(_page(paragraphs, link, words["button"], occasion.language), "text/html")
    return message


def written(day: date) -> str:
    return f"{day.day}-{day.month}-{day.year}"


def _page(paragraphs: list[str], link: str, button: str, language: str) -> str:
    inside = "".join(
        f'<p><a href="{escape(link)}"><strong>{escape(button)}</strong></a></p><p>{escape(link)}</p>'
        if text == link
        else f"<p>{escape(text)}</p>"
        for text in paragraphs
    )
    return f'<!doctype html><html lang="{language}"><meta charset="utf-8"><body>{inside}</body></html>'
