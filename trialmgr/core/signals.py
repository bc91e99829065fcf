"""What the kernel tells the apps above it, which it may not know."""

from django.dispatch import Signal

role_ended = Signal()
"""Sent within the transaction that ends a role, with `membership` and `by`: what hangs on the role ends with it."""
