"""Nobody takes a refusal or withdrawal back in silence."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("study", "0005_run_may_be_refused")]
    operations = [
        migrations.RunSQL(
            (FOLDER / "0006_ending_is_final.sql").read_text("utf-8"),
            "DROP TRIGGER study_ending_is_final ON public.study_ending;",
        ),
    ]
