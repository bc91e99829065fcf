"""Counts of steps, for the leader's page."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0002_steps_are_final"),
        ("protocol", "0002_versions_are_final"),
    ]

    operations = [
        migrations.CreateModel(
            name="StepCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("reason", models.SlugField(db_index=False, max_length=60)),
                ("persons", models.PositiveIntegerField()),
                (
                    "trial",
                    models.ForeignKey(
                        db_column="trial",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="protocol.trial",
                        to_field="code",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("trial", "kind", "reason"), name="stepcount_once")],
            },
        ),
    ]
