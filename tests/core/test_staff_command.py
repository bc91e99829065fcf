import io

import pytest
from django.core.management import call_command


def test_staff_without_a_process_says_which_to_choose():
    told = io.StringIO()
    with pytest.raises(SystemExit, match="2"):
        call_command("staff", "list", stderr=told)
    assert told.getvalue() == "staff: needs a database: run it with TRIALMGR_PROCESS=office or research\n"
