"""What the survey process serves: participants only, and nothing of staff."""

from django.urls import path

from surveys.respondent import pages, views
from trialmgr.core.health import healthz

handler400, handler403, handler404, handler500 = pages.bad_request, pages.refused, pages.missing, pages.failed

urlpatterns = [
    path("", views.code, name="code"),
    path("s/<str:link>", views.start, name="start"),
    path("vraag/<int:number>", views.question, name="question"),
    path("later", views.later, name="later"),
    path("einde", views.end, name="end"),
    path("bedankt", views.thanks, name="thanks"),
    path("privacy", views.privacy, name="privacy"),
    path("toegankelijkheid", views.accessibility, name="accessibility"),
    path("healthz", healthz, name="healthz"),
]
