"""The release login is shut when a run that was killed left it open."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent.parent / "sql"
REVERSE = """
DROP FUNCTION study.running_runs();
DROP FUNCTION study.sweep_release();
"""


class Migration(migrations.Migration):
    dependencies = [("study", "0002_functions"), ("core", "0005_audit_trial")]
    operations = [
        migrations.RunSQL((FOLDER / "0003_release_is_swept.sql").read_text("utf-8"), REVERSE),
    ]
