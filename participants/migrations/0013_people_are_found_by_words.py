"""A search reads the index of words, whatever the size of the trial; those for the beginning of a name go."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

GONE = {
    "contact_surname_begins": "participants_contact (upper(surname) text_pattern_ops)",
    "contact_first_name_begins": "participants_contact (upper(first_name) text_pattern_ops)",
    "person_client_number_any_case": "participants_person (upper(client_number))",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("participants", "0012_people_have_their_words")]
    operations = [
        AddIndexConcurrently(model_name="contact", index=GinIndex(fields=["words"], name="contact_by_words")),
        *(
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}"
            )
            for name, on in GONE.items()
        ),
    ]
