"""What the office process serves: coaches, project leaders, support, statistician, custodian, auditor."""

from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from trialmgr.core.navigation import Section
from trialmgr.urls import staff

handler400, handler403 = staff.handler400, staff.handler403
handler404, handler500 = staff.handler404, staff.handler500

urlpatterns = [
    *staff.urlpatterns,
    path("", include("trialmgr.protocol.urls")),
    path("", include("participants.urls")),
    path("", include("randomization.urls")),
    path("", include("coaching.urls")),
    path("", include("surveys.mailing.urls")),
    path("", include("analysis.monitoring.urls")),
]
SECTIONS = [
    Section("view_caseload", "today", _("Today")),
    Section("view_progress", "progress", _("Progress")),
    Section("view_people", "people", _("People")),
    Section("view_arm_sizes", "draws", _("Draws")),
    Section("assign_coach", "coaches", _("Coaches")),
    Section("send_waves", "waves", _("Questionnaires")),
    Section("manage_staff", "staff", _("Staff")),
    Section("view_audit", "audit_log", _("Audit log")),
    Section("view_trial", "protocol", _("Protocol")),
]
OFFICE_SECTIONS = [
    Section("view_audit", "office_audit_log", _("Audit log of the whole office")),
]
