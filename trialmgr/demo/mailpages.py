"""The pages of the mail catcher: plain HTML, nothing from elsewhere, readable by keyboard and screen reader."""

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from trialmgr.demo.mailbox import Mail

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
WORDS = {
    "nl": {
        "title": "Postvak van de demo",
        "intro": "Alle e-mail van de demo komt hier terecht. Er gaat niets naar buiten.",
        "filter": "E-mailadres van de ontvanger",
        "show": "Toon",
        "none": "Nog geen e-mail.",
        "none_for": "Geen e-mail voor",
        "to": "Aan",
        "sender": "Van",
        "subject": "Onderwerp",
        "arrived": "Aangekomen",
        "older": "Oudere e-mail",
        "back": "Terug naar het postvak",
        "source": "Bron van deze e-mail",
        "missing": "Deze pagina bestaat niet",
        "other": "English",
        "skip": "Naar de inhoud",
    },
    "en": {
        "title": "Mailbox of the demo",
        "intro": "All mail of the demo ends up here. Nothing leaves this machine.",
        "filter": "E-mail address of the recipient",
        "show": "Show",
        "none": "No mail yet.",
        "none_for": "No mail for",
        "to": "To",
        "sender": "From",
        "subject": "Subject",
        "arrived": "Arrived",
        "older": "Older mail",
        "back": "Back to the mailbox",
        "source": "Source of this mail",
        "missing": "This page does not exist",
        "other": "Nederlands",
        "skip": "To the content",
    },
}
STYLE = """
:root { color-scheme: light dark; --line: #8a8f98; --link: #0b4f9e; }
@media (prefers-color-scheme: dark) { :root { --link: #9cc4f7; } }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); overflow-wrap: anywhere; padding-block: .2rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
form { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { flex-basis: 100%; }
input, button { font: inherit; padding: .4rem .6rem; min-height: 2.75rem; max-width: 100%; box-sizing: border-box; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 40rem) { thead { position: absolute; left: -99rem; } td { display: block; border: 0; padding: 0; }
  tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem 0; } }
"""


def language(asked: str, accepted: str) -> str:
    """Dutch, unless English is asked for or the browser prefers it."""
    if asked in WORDS:
        return asked
    first = accepted.split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "nl"


def listing(mails: Sequence["Mail"], to: str, lang: str) -> str:
    """The newest mails, each with a link to its page."""
    say = WORDS[lang]
    rows = "".join(
        f"<tr><td>{_moment(mail)}</td><td>{escape(mail.to)}</td>"
        f'<td><a href="/mail/{mail.number}?lang={lang}">{escape(mail.subject) or "(…)"}</a></td></tr>'
        for mail in mails
    )
    heads = "".join(f'<th scope="col">{say[name]}</th>' for name in ("arrived", "to", "subject"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    empty = f"<p>{say['none_for']} {escape(to)}.</p>" if to else f"<p>{say['none']}</p>"
    older = urlencode({"lang": lang, "to": to, "before": mails[-1].number}) if len(mails) == 50 else ""
    more = f'<p><a href="/?{escape(older)}">{say["older"]}</a></p>' if older else ""
    search = (
        f'<form method="get" action="/"><label for="to">{say["filter"]}</label>'
        f'<input id="to" name="to" type="text" inputmode="email" autocomplete="off" size="40" value="{escape(to)}">'
        f'<input type="hidden" name="lang" value="{lang}"><button>{say["show"]}</button></form>'
    )
    return _page(say["title"], f"<p>{say['intro']}</p>{search}{table if mails else empty}{more}", lang, "/")


def one(mail: "Mail", lang: str) -> str:
    """One mail as plain text, its links to click."""
    say = WORDS[lang]
    facts = [
        (say["sender"], str(mail.message["From"] or "")),
        (say["to"], mail.to),
        (say["arrived"], _moment(mail)),
    ]
    heads = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    body = (
        f'<p><a href="/?lang={lang}">{say["back"]}</a></p><dl>{heads}</dl>'
        f'<div class="text" lang="nl">{_linked(mail.body)}</div>'
        f'<p><a href="/mail/{mail.number}/source">{say["source"]}</a></p>'
    )
    return _page(mail.subject or say["title"], body, lang, f"/mail/{mail.number}")


def missing(lang: str) -> str:
    say = WORDS[lang]
    return _page(say["missing"], f'<p><a href="/?lang={lang}">{say["back"]}</a></p>', lang, "/")


def _linked(text: str) -> str:
    """Escaped text in which web addresses can be followed."""
    place, parts = 0, []
    for match in LINK.finditer(text):
        address = escape(match[0])
        parts += [escape(text[place : match.start()]), f'<a href="{address}">{address}</a>']
        place = match.end()
    return "".join(parts) + escape(text[place:])


def _moment(mail: "Mail") -> str:
    local = mail.arrived.astimezone(AMSTERDAM)
    return f"{local.day}-{local.month}-{local.year} {local:%H:%M}"


def _page(title: str, body: str, lang: str, here: str) -> str:
    say, other = WORDS[lang], "en" if lang == "nl" else "nl"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="/style.css"></head><body><a class="skip" href="#content">{say["skip"]}</a>'
        f'<header><a href="{here}?lang={other}" lang="{other}" hreflang="{other}">{say["other"]}</a></header>'
        f'<main id="content"><h1>{escape(title)}</h1>{body}</main></body></html>'
    )
