"""A published draw whose event will not come can be withdrawn by two persons."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STATES = ["requested", "empty", "refused", "committed", "entered", "confirmed", "drawn", "withdrawn"]
PERSON = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": settings.AUTH_USER_MODEL}


class Migration(migrations.Migration):
    dependencies = [
        ("randomization", "0011_day_of_the_event"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "draw",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="randomization.draw",
                    ),
                ),
                ("reason", models.TextField()),
                ("announced_at", models.DateTimeField()),
                ("announced_by", models.ForeignKey(**PERSON)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("confirmed_by", models.ForeignKey(null=True, **PERSON)),
                ("secret", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="withdrawal_has_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                            models.Q(("confirmed_at__isnull", True), ("confirmed_by__isnull", True)),
                            _connector="OR",
                        ),
                        name="withdrawal_confirmed_all_or_none",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_by", None),
                            models.Q(("confirmed_by", models.F("announced_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="withdrawal_needs_two_persons",
                    ),
                ],
            },
        ),
        migrations.AlterField(
            "draw",
            "status",
            models.CharField(
                choices=[
                    ("requested", "the list is being made"),
                    ("empty", "no household was ready"),
                    ("refused", "no list could be made"),
                    ("committed", "published, waits for the public number"),
                    ("entered", "public number entered, waits for a second person"),
                    ("confirmed", "confirmed, the lots are being drawn"),
                    ("drawn", "drawn"),
                    ("withdrawn", "withdrawn before a number was known"),
                ],
                default="requested",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint("draw", "draw_status_known"),
        migrations.AddConstraint(
            "draw",
            models.CheckConstraint(condition=models.Q(("status__in", STATES)), name="draw_status_known"),
        ),
    ]
