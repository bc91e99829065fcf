from django.urls import path

from participants import import_views, views

urlpatterns = [
    path("t/<slug:trial>/people/", views.people, name="people"),
    path("t/<slug:trial>/people/add/", views.add, name="add_household"),
    path("t/<slug:trial>/people/import/", import_views.import_file, name="import_people"),
    path("t/<slug:trial>/people/import/<int:draft>/", import_views.import_draft, name="confirm_import"),
    path("t/<slug:trial>/people/<slug:code>/", views.household, name="household"),
    path("t/<slug:trial>/people/<slug:code>/invitation/", views.answer_invitation, name="answer_invitation"),
    path("t/<slug:trial>/people/<slug:code>/exit/", views.leave, name="household_exit"),
    path("t/<slug:trial>/people/<slug:code>/<int:person>/checks/", views.checks, name="person_checks"),
    path("t/<slug:trial>/people/<slug:code>/<int:person>/consent/", views.consent, name="person_consent"),
    path("t/<slug:trial>/people/<slug:code>/<int:person>/stop/", views.stop, name="person_stop"),
    path("t/<slug:trial>/people/<slug:code>/<int:person>/reach/", views.reach, name="person_reach"),
]
