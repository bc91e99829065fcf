"""What the research process serves: researchers, principal investigator, data steward."""

from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from trialmgr.core.navigation import Section
from trialmgr.urls import staff

handler400, handler403 = staff.handler400, staff.handler403
handler404, handler500 = staff.handler404, staff.handler500

urlpatterns = [
    *staff.urlpatterns,
    path("", include("analysis.study.urls")),
]
SECTIONS = [
    Section("view_study", "runs", _("Runs and results")),
]
