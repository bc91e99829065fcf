from django.urls import path

from analysis.monitoring import views

urlpatterns = [
    path("t/<slug:trial>/progress/", views.progress, name="progress"),
    path("t/<slug:trial>/progress/results/<slug:run>/", views.result, name="released_result"),
    path("t/<slug:trial>/audit/", views.audit_log, name="audit_log"),
    path("t/<slug:trial>/audit/export/", views.export_audit, name="export_audit"),
    path("audit/", views.office_audit_log, name="office_audit_log"),
    path("audit/export/", views.export_office_audit, name="export_office_audit"),
]
