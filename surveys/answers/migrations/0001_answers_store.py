from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
PARTS = ("0001_tables", "0002_answering", "0003_keeping")


class Migration(migrations.Migration):
    """Schema, tables and functions of the answers store; who may use them stands in the grants matrix."""

    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            "\n".join((SQL / f"{part}.sql").read_text("utf-8") for part in PARTS),
            "DROP SCHEMA answers CASCADE",
        )
    ]
