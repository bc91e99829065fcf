"""A run may be refused or withdrawn, with a reason."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STATUSES = [
    ("requested", "waits for two approvals"),
    ("approved", "approved, waits for the outcomes of the office"),
    ("running", "running"),
    ("done", "done"),
    ("failed", "failed"),
    ("refused", "refused"),
    ("withdrawn", "withdrawn"),
]


class Migration(migrations.Migration):
    dependencies = [("study", "0004_stored_results"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AlterField(
            model_name="run",
            name="status",
            field=models.CharField(choices=STATUSES, default="requested", max_length=10),
        ),
        migrations.RemoveConstraint(model_name="run", name="run_status_known"),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", [status for status, _label in STATUSES])), name="run_status_known"
            ),
        ),
        migrations.CreateModel(
            name="Ending",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="ending",
                        serialize=False,
                        to="study.run",
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="ending_has_a_reason"
                    )
                ],
            },
        ),
    ]
