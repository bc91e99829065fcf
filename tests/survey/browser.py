"""A real browser before the survey process, served from a thread of the tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from axe_playwright_python.sync_playwright import Axe
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Page

STRICT = {"runOnly": ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing: the survey keeps no access log either."""


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def served() -> Iterator[str]:
    """The survey process on a free port, with its static files; gives its address."""
    connection.settings_dict["CONN_MAX_AGE"] = 0  # each thread ends with its request, and its connection with it
    with override_settings(WHITENOISE_USE_FINDERS=True):
        application = get_wsgi_application()
    with make_server("127.0.0.1", 0, application, Threads, Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def faults_of(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2, level AAA rules included, each with the elements concerned."""
    found = Axe().run(page, options=STRICT).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]
