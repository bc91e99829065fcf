from collections.abc import Iterator

from django.conf import settings
from django.urls import get_resolver

from surveys import promises
from surveys.promise_command import PrivacyCommand

ROUTES = 9


class Command(PrivacyCommand):
    def findings(self) -> Iterator[promises.Finding]:
        yield from promises.research_side()
        routes = get_resolver().url_patterns
        lean = len(routes) == ROUTES and settings.INSTALLED_APPS == ["django.contrib.staticfiles", "surveys.respondent"]
        verdict = promises.Verdict.HOLDS if lean else promises.Verdict.BROKEN
        seen = "survey_routes_seen" if lean else ", ".join([*settings.INSTALLED_APPS, *map(str, routes)])
        yield promises.Finding("survey_routes", verdict, seen)
