from django.urls import path

from analysis.study import views

urlpatterns = [
    path("t/<slug:trial>/runs/", views.runs, name="runs"),
    path("t/<slug:trial>/runs/<slug:code>/", views.run, name="run"),
    path("t/<slug:trial>/runs/<slug:code>/approve/", views.approve, name="approve_run"),
    path("t/<slug:trial>/runs/<slug:code>/release/", views.release, name="release_result"),
]
