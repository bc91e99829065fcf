"""Counts of contacts by group and day, for the leader's page."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coaching", "0002_changes_are_final"),
        ("protocol", "0002_versions_are_final"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("arm", models.SlugField(db_index=False, max_length=40)),
                ("day", models.DateField()),
                ("held", models.IntegerField()),
                ("in_person", models.IntegerField()),
                ("missed", models.IntegerField()),
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
                "constraints": [
                    models.UniqueConstraint(fields=("trial", "arm", "day"), name="contactcount_once_a_day")
                ],
            },
        ),
    ]
