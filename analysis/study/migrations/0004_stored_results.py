"""The study worker holds a new result beside those there are."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("study", "0003_release_is_swept")]
    operations = [
        migrations.RunSQL(
            (FOLDER / "0004_stored_results.sql").read_text("utf-8"), "DROP FUNCTION study.stored_results(text);"
        ),
    ]
