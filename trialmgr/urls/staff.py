"""URLs that office and research have in common."""

from django.conf import settings
from django.urls import include, path

from trialmgr.core import views
from trialmgr.core.health import healthz

handler400 = views.bad_request
handler403 = views.no_access
handler404 = views.not_found
handler500 = views.failed

urlpatterns = [
    path("healthz", healthz),
    path("", views.home, name="home"),
    path("account/", views.account, name="account"),
    path("account/second-factor/", views.second_factor, name="second_factor"),
    path("account/no-account/", views.no_account, name="no_account"),
    path("account/", include("allauth.urls")),
    path("language/", views.set_language, name="set_language"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("t/<slug:trial>/", views.trial_home, name="trial_home"),
    *([path("demo/", include("trialmgr.demo.urls"))] if settings.DEMO else []),
]
