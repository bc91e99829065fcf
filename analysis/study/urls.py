from django.urls import path

from analysis.study import views

urlpatterns = [
    path("t/<slug:trial>/plans/<int:number>/", views.plan, name="registered_plan"),
    path("t/<slug:trial>/runs/", views.runs, name="runs"),
    path("t/<slug:trial>/runs/<slug:code>/", views.run, name="run"),
    path("t/<slug:trial>/runs/<slug:code>/result.csv", views.result_file, {"form": "csv"}, name="result_csv"),
    path("t/<slug:trial>/runs/<slug:code>/result.json", views.result_file, {"form": "json"}, name="result_json"),
    path("t/<slug:trial>/runs/<slug:code>/approve/", views.approve, name="approve_run"),
    path("t/<slug:trial>/runs/<slug:code>/refuse/", views.refuse, name="refuse_run"),
    path("t/<slug:trial>/runs/<slug:code>/withdraw/", views.withdraw, name="withdraw_run"),
    path("t/<slug:trial>/runs/<slug:code>/release/", views.release, name="release_result"),
]
