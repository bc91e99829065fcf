"""What the office process serves: coaches, project leaders, support, statistician, custodian, auditor."""

from trialmgr.core.navigation import Section
from trialmgr.urls import staff

handler403, handler404, handler500 = staff.handler403, staff.handler404, staff.handler500

urlpatterns = [*staff.urlpatterns]
SECTIONS: list[Section] = []
