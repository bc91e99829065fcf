"""Commands on files serve no pages."""

from typing import Any

urlpatterns: list[Any] = []
