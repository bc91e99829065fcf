"""Whether the audit log holds, on the pages of who relies on it."""

from typing import Any

from django import template

from trialmgr.core import checking

register = template.Library()


@register.inclusion_tag("core/_chain.html")
def chain_state() -> dict[str, Any]:
    return {"chain": checking.state()}
