"""Steps and checks are written once."""

from django.db import migrations

TABLES = ["participants_step", "participants_check"]


class Migration(migrations.Migration):
    dependencies = [("participants", "0001_initial"), ("core", "0004_written_once")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION written_once();",
            f"DROP TRIGGER {table}_is_final ON {table};",
        )
        for table in TABLES
    ]
