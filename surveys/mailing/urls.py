from django.urls import path

from surveys.mailing import views

urlpatterns = [
    path("t/<slug:trial>/waves/", views.waves, name="waves"),
    path("t/<slug:trial>/waves/hold/", views.hold, name="hold_mail"),
    path("t/<slug:trial>/waves/letters/", views.letters, name="letters"),
    path("t/<slug:trial>/waves/letters/<slug:wave>/print/", views.print_letters, name="print_letters"),
    path("t/<slug:trial>/waves/letters/<int:printing>/again/", views.print_again, name="print_again"),
    path("t/<slug:trial>/people/<slug:code>/<int:person>/link/", views.send_again, name="send_link_again"),
]
