"""The pages of the survey: start, one question at a time, end. A GET stores nothing; Begin sets the one cookie."""

import hmac
import re
from collections.abc import Callable
from functools import wraps

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from surveys.instruments.forms import AnswerRefused, Question
from surveys.respondent import services, session, store
from surveys.respondent.pages import for_link, language_of, lost, message, missing, page, refused, texts_of
from surveys.respondent.route import Route
from surveys.respondent.services import Sitting
from surveys.sealing import LINK_PATTERN, BadLink

View = Callable[..., HttpResponse]
pages = require_http_methods(["GET", "HEAD", "POST"])


def answering(view: View) -> View:
    """Give the view the sitting of this visit; who has none, or one that is over, sees what to do instead."""

    @pages
    @wraps(view)
    def seated(request: HttpRequest, **place: int) -> HttpResponse:
        visit = session.current(request)
        sitting = services.sitting_of(visit.in_language(language_of(request))) if visit else None
        if sitting is None:
            return lost(request) if request.method == "POST" else go("code")
        if request.method == "POST" and not hmac.compare_digest(
            request.POST.get("bewijs", "").encode(), sitting.visit.form_token.encode()
        ):
            return refused(request)
        if sitting.state != "open":
            return over(request, sitting.state)
        response = view(request, sitting, **place)
        return response if session.is_forgotten(response) else session.remember(response, sitting.visit)

    return seated


def go(name: str, *args: object, **query: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name, args=args, query=query))
    response.status_code = 303
    return response


def over(request: HttpRequest, state: str) -> HttpResponse:
    """What remains when a questionnaire is not open: thanks, or word that it is closed. The device forgets."""
    words = texts_of(request)
    if state == "submitted":
        return session.forget(go("thanks", verstuurd="1", taal=language_of(request)))
    return session.forget(message(request, words.closed_title, words.closed_text))


@pages
def code(request: HttpRequest) -> HttpResponse:
    """For who comes without a link, or types the one in a letter."""
    words = texts_of(request)
    given = request.POST.get("link", "")
    if request.method == "POST" and "taal" not in request.POST:
        link = re.sub(r"\s+", "", given).rpartition("/s/")[2].partition("?")[0].rstrip("/.")
        if LINK_PATTERN.fullmatch(link):
            return go("start", link, taal=language_of(request))
        return for_link(request, words.code_title, words.code_text, given=given, error=words.code_wrong)
    return for_link(request, words.code_title, words.code_text, given=given)


@pages
def start(request: HttpRequest, link: str) -> HttpResponse:
    """The first page, the same for every link: it is not opened before somebody presses Begin."""
    if not LINK_PATTERN.fullmatch(link):
        return missing(request)
    if request.method != "POST" or "begin" not in request.POST:
        return page(request, "start")
    try:
        seat = services.seat_of(link)
    except BadLink:
        return missing(request)
    visit = session.resumed(request, seat.pseudonym, seat.wave).in_language(language_of(request))
    sitting = services.sitting_of(visit)
    if sitting is None or sitting.state == "closed":
        return over(request, "closed")
    if sitting.state == "submitted":
        return over(request, "submitted")
    return session.remember(onward(sitting, sitting.route.pending), visit)


@answering
def question(request: HttpRequest, sitting: Sitting, number: int) -> HttpResponse:
    route = sitting.route
    place = number - 1
    if not 0 <= place < len(sitting.form.questions) or not route.may_open(sitting.form.questions[place]):
        return onward(sitting, route.pending)
    asked = sitting.form.questions[place]
    if request.method == "POST" and "taal" not in request.POST:
        return take(request, sitting, asked)
    given = typed(request) if request.method == "POST" else shown(sitting, asked)
    return ask(request, sitting, asked, given, skipping="gevraagd" in request.POST)


def take(request: HttpRequest, sitting: Sitting, asked: Question) -> HttpResponse:
    """Save an answer and go on; say what is wrong with it, or ask once whether to pass the question over."""
    action = request.POST.get("actie", "")
    given = [] if action == "overslaan" else [value for value in typed(request) if value.strip()]
    if action == "later" and not given:
        return go("later")
    if not given and sitting.route.settled(asked):
        return further(request, sitting, sitting.route, asked)
    if not given and not passes_over(request, sitting, asked):
        return ask(request, sitting, asked, given, skipping=True)
    try:
        route = sitting.save(asked, given)
    except AnswerRefused as error:
        return ask(request, sitting, asked, given, error=str(error))
    except DatabaseError:  # busy or down: what was typed stays on the page
        return ask(request, sitting, asked, given, error=texts_of(request).not_saved, status=503)
    if route is None:
        return over(request, store.state(sitting.visit.person, sitting.visit.wave))
    return go("later") if action == "later" else further(request, sitting, route, asked)


def further(request: HttpRequest, sitting: Sitting, route: Route, asked: Question) -> HttpResponse:
    """On to what comes next; who came from the last page to one question goes back there."""
    back = "einde" in request.GET and route.pending is None
    return onward(sitting, None if back else route.following(asked))


def passes_over(request: HttpRequest, sitting: Sitting, asked: Question) -> bool:
    """Whether an empty answer is meant: skipped by the button, or by going on after being asked once."""
    if asked.kind == "note" or request.POST.get("actie") == "overslaan":
        return True
    return "gevraagd" in request.POST and not sitting.route.needed_again(asked)


def typed(request: HttpRequest) -> list[str]:
    """What the form holds; a NUL, which no text column takes, comes from no keyboard."""
    return [value.replace("\x00", "") for value in request.POST.getlist("antwoord")]


def onward(sitting: Sitting, upcoming: Question | None) -> HttpResponse:
    return go("end") if upcoming is None else go("question", sitting.route.number(upcoming))


def shown(sitting: Sitting, asked: Question) -> list[str]:
    """The answer this device gave before, if it did."""
    value = sitting.own.get(asked.code)
    return [] if value is None else value.split(" ") if asked.kind == "multiple" else [asked.shown(value)]


def ask(
    request: HttpRequest,
    sitting: Sitting,
    asked: Question,
    given: list[str],
    *,
    error: str = "",
    skipping: bool = False,
    status: int = 200,
) -> HttpResponse:
    route, form, words = sitting.route, sitting.form, texts_of(request)
    part = form.parts[asked.part - 1]
    first = part.questions[0].code == asked.code
    codes = {option.code for option in asked.options}
    before = route.before(asked)
    again = route.needed_again(asked)
    elsewhere = words.elsewhere_again if again else words.elsewhere if route.elsewhere(asked) else ""
    context = {
        "question": asked,
        "part": part,
        "title": words.question_title.format(number=route.number(asked)),
        "part_words": words.part.format(number=part.number, total=len(form.parts)),
        "opening": part.intro if first else "",
        "praise": form.parts[asked.part - 2].done if first and asked.part > 1 else "",
        "form_intro": form.intro if first and asked.part == 1 else "",
        "given": given,
        "typed": next((value for value in given if value not in codes), ""),
        "error": error,
        "skipping": skipping and (words.skip_again if again else words.skip_text),
        "once": skipping and not again,
        "elsewhere": elsewhere,
        "here": route.number(asked),
        "back": route.number(before) if before else None,
    }
    return page(request, "question", context, status=status)


@answering
def later(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    """How to go on another time; leaves nothing on the device when asked to."""
    if request.method == "POST" and "stop" in request.POST:
        words = texts_of(request)
        return session.forget(message(request, words.left_title, words.later_text[:3]))
    pending = sitting.route.pending
    return page(request, "later", {"number": sitting.route.number(pending) if pending else None})


@answering
def end(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    """After the last question: hand in, or go back."""
    if sitting.route.pending is not None:
        return onward(sitting, sitting.route.pending)
    if request.POST.get("actie") == "later":
        return go("later")
    if request.method == "POST" and "taal" not in request.POST:
        sitting.submit()
        return over(request, "submitted")
    route, words = sitting.route, texts_of(request)
    before = route.before(None)
    skipped = [(route.number(one), one.text) for one in route.skipped]
    context = {
        "back": route.number(before) if before else None,
        "skipped": [(number, words.question_title.format(number=number), text) for number, text in skipped],
        "skipped_words": words.end_skipped.format(count=len(skipped)),
    }
    return page(request, "end", context)


@pages
def thanks(request: HttpRequest) -> HttpResponse:
    """Says that answers were sent only to who comes from sending them, for it cannot know."""
    if "verstuurd" in request.GET:
        return page(request, "thanks")
    words = texts_of(request)
    return message(request, words.thanks_title, words.unsure_text)


@pages
def privacy(request: HttpRequest) -> HttpResponse:
    return beside(request, "privacy")


@pages
def accessibility(request: HttpRequest) -> HttpResponse:
    return beside(request, "accessibility")


def beside(request: HttpRequest, name: str) -> HttpResponse:
    """A page to read beside the questions: who was answering can go back to them, in the language chosen here."""
    visit = session.current(request)
    number = request.GET.get("vraag", "")
    here = int(number) if re.fullmatch("[0-9]{1,4}", number) else None
    response = page(request, name, {"here": here})
    if visit and request.method == "POST":
        session.remember(response, visit.in_language(language_of(request)))
    return response
