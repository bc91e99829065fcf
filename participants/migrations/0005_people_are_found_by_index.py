"""A search for a name or a client number reads an index, whatever the size of the trial."""

from django.db import migrations

INDEXES = {
    "contact_surname_begins": "participants_contact (upper(surname) text_pattern_ops)",
    "contact_first_name_begins": "participants_contact (upper(first_name) text_pattern_ops)",
    "person_client_number_any_case": "participants_person (upper(client_number))",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("participants", "0004_steps_are_counted")]
    operations = [
        migrations.RunSQL(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}", f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
        )
        for name, on in INDEXES.items()
    ]
