"""The newest step of a household, for the list of people."""

import django.db.models.deletion
from django.db import migrations, models

KEPT = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0005_people_are_found_by_index"),
    ]
    operations = [
        migrations.CreateModel(
            name="NewestStep",
            fields=[
                (
                    "household",
                    models.OneToOneField(primary_key=True, serialize=False, to="participants.household", **KEPT),
                ),
                ("kind", models.CharField(max_length=20)),
                ("recorded_at", models.DateTimeField()),
                ("step", models.ForeignKey(db_index=False, to="participants.step", **KEPT)),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "household"], name="neweststep_by_kind")],
            },
        ),
    ]
