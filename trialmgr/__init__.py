"""trialmgr: a trial office for social-policy experiments."""

from trialmgr.celery import app as celery_app

__all__ = ["celery_app"]
