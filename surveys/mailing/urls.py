from django.urls import path

from surveys.mailing import views

urlpatterns = [
    path("t/<slug:trial>/waves/", views.waves, name="waves"),
    path("t/<slug:trial>/waves/hold/", views.hold, name="hold_mail"),
]
