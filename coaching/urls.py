from django.urls import path

from coaching import staff_views, views

urlpatterns = [
    path("t/<slug:trial>/today/", views.today, name="today"),
    path("t/<slug:trial>/caseload/<slug:code>/", views.case, name="case"),
    path("t/<slug:trial>/contacts/<int:contact>/", views.correct, name="correct_contact"),
    path("t/<slug:trial>/contacts/<int:contact>/void/", views.void, name="void_contact"),
    path("t/<slug:trial>/staff/", staff_views.staff, name="staff"),
    path("t/<slug:trial>/staff/<int:member>/", staff_views.end, name="end_role"),
    path("t/<slug:trial>/coaches/", views.coaches, name="coaches"),
    path("t/<slug:trial>/coaches/divide/", views.divide, name="divide_caseload"),
    path("t/<slug:trial>/coaches/<slug:code>/", views.assign, name="assign_coach"),
]
