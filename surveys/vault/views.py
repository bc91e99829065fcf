"""The vault's verbs over HTTP: JSON in, JSON out, one shared token, no browser."""

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST
from pydantic import BaseModel, ValidationError

from surveys.vault import requests, services, store
from surveys.vault.state import TooSoon
from trialmgr.core import clock
from trialmgr.core.errors import DomainError

LARGEST_BODY = 200_000_000
View = Callable[..., HttpResponse]
Form = TypeVar("Form", bound=BaseModel)


def holds_token(request: HttpRequest) -> bool:
    """Whether the caller has the shared token; takes the same time whatever was sent."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.VAULT_TOKEN}"
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(wanted.encode()).digest())


def guarded(view: View) -> View:
    """Ask for the token first, and turn refusals into JSON that says why and holds no value that was sent."""

    @wraps(view)
    def guard(request: HttpRequest, *args: object) -> HttpResponse:
        if not holds_token(request):
            return JsonResponse({"refused": "this address needs the vault's token"}, status=401)
        try:
            return view(request, *args)
        except TooSoon as error:
            return JsonResponse({"refused": str(error)}, status=429)
        except services.Refused as error:
            return JsonResponse({"refused": str(error)}, status=422)
        except store.UnknownWave as error:
            return JsonResponse({"refused": str(error)}, status=404)
        except DomainError as error:
            return JsonResponse({"refused": str(error)}, status=400)

    return guard


def verb(form: type[BaseModel]) -> Callable[[View], View]:
    """A POST whose body must be JSON of this form."""

    def decorate(view: View) -> View:
        @require_POST
        @guarded
        @wraps(view)
        def checked(request: HttpRequest) -> HttpResponse:
            return view(_read(request, form))

        return checked

    return decorate


@verb(requests.SealRequest)
def seal(asked: requests.SealRequest) -> JsonResponse:
    return JsonResponse({"links": services.seal_links(**dict(asked))})


@verb(requests.StatusRequest)
def status(asked: requests.StatusRequest) -> JsonResponse:
    return JsonResponse({"submitted": services.submitted_of(**dict(asked))})


@verb(requests.LoadRequest)
def load(asked: requests.LoadRequest) -> JsonResponse:
    return JsonResponse({"loaded": services.load_run(**dict(asked))}, status=202)


@verb(requests.EraseRequest)
def erase(asked: requests.EraseRequest) -> JsonResponse:
    services.erase(**dict(asked))
    return JsonResponse({"done": True})


@require_GET
@guarded
def counts(request: HttpRequest) -> JsonResponse:
    asked = _checked(requests.CountsRequest, request.GET.dict())
    return JsonResponse({"submitted_at_least": store.response_counts(asked.study)})


@require_GET
@guarded
def runs(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"wanted": store.wanted_runs()})


@verb(requests.ResultsRequest)
def results(asked: requests.ResultsRequest) -> JsonResponse:
    return JsonResponse({"released": store.released_results(clock.today(), known=asked.known)})


def _read(request: HttpRequest, form: type[Form]) -> Form:
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise DomainError("the request is too large")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise DomainError("the request is not JSON") from None
    return _checked(form, content)


def _checked(form: type[Form], content: object) -> Form:
    try:
        return form.model_validate(content)
    except ValidationError as error:
        places = sorted({".".join(map(str, fault["loc"][:2])) or "body" for fault in error.errors()})
        raise DomainError(f"not a request of this form: see {', '.join(places[:5])}") from None
