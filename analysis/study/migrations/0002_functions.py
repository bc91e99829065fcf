"""What the vault may do with runs, as functions; it has no right on the tables themselves."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_functions.sql"
REVERSE = """
DROP TRIGGER study_approval_is_final ON study_approval;
DROP TRIGGER study_registration_is_final ON study_registration;
DROP TRIGGER study_result_is_final ON study_result;
DROP SCHEMA study CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("study", "0001_initial"), ("core", "0004_written_once")]
    operations = [migrations.RunSQL(SQL.read_text("utf-8"), REVERSE)]
