from django.urls import path

from analysis.monitoring import views

urlpatterns = [
    path("t/<slug:trial>/progress/", views.progress, name="progress"),
    path("t/<slug:trial>/progress/results/<slug:run>/", views.result, name="released_result"),
    path("t/<slug:trial>/audit/", views.audit_log, name="audit_log"),
]
