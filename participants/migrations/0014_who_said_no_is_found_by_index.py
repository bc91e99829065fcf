"""The list of who gave no consent reads an index, whatever the size of the trial."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("participants", "0013_people_are_found_by_words")]
    operations = [
        AddIndexConcurrently(
            model_name="consent",
            index=models.Index(
                fields=["purpose"], condition=models.Q(given=False, ended_on=None), name="consent_standing_no"
            ),
        ),
    ]
