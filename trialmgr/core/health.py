"""What a process needs to do its work, and whether it is there."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from trialmgr.core.anonymous import public
from trialmgr.processes import BROKER_VARIABLE


def database() -> None:
    """A connection of its own: one that was opened before waits for ever for a server that stands still."""
    fresh = connection.copy()
    try:
        with fresh.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        fresh.close()


def broker() -> None:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://")
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        client.ping()


def checks() -> dict[str, Callable[[], None]]:
    return {"database": database} | ({"broker": broker} if settings.PROCESS in BROKER_VARIABLE else {})


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # whatever is wrong with a part, the answer is that it is down
        return False
    return True


@require_safe
@public
def healthz(request: HttpRequest) -> JsonResponse:
    found = {name: _holds(check) for name, check in checks().items()}
    ok = all(found.values())
    return JsonResponse({"process": settings.PROCESS, "ok": ok, "checks": found}, status=200 if ok else 503)
