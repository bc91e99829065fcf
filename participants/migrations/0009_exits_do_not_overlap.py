"""A household is away from the benefit once at a time, whoever writes."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("participants", "0008_what_a_draft_was_made_of")]
    operations = [
        migrations.AddConstraint(
            model_name="exit",
            constraint=ExclusionConstraint(
                name="exits_do_not_overlap",
                expressions=[
                    ("household", "="),
                    (models.Func("day", "returned_on", function="daterange"), "&&"),
                ],
            ),
        ),
    ]
