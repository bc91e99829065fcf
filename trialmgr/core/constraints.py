"""Conditions that several models share."""

from django.db.models import Q


def all_or_none(*fields: str) -> Q:
    """Condition for a CheckConstraint: every field is set, or none is."""
    return Q(**{f"{field}__isnull": False for field in fields}) | Q(**{f"{field}__isnull": True for field in fields})
