"""What the vault serves: machine to machine, to the office only."""

from django.urls import path

from surveys.vault import views
from trialmgr.core.health import healthz

urlpatterns = [
    path("healthz", healthz),
    path("seal", views.seal),
    path("status", views.status),
    path("load", views.load),
    path("erase", views.erase),
    path("counts", views.counts),
    path("runs", views.runs),
    path("results", views.results),
]
