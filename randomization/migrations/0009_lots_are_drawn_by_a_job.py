"""Between the confirmation of the public number and the lots stands a job."""

from django.db import migrations, models

STATES = ["requested", "empty", "refused", "committed", "entered", "confirmed", "drawn"]
OPEN = ["requested", "committed", "entered", "confirmed"]


class Migration(migrations.Migration):
    dependencies = [("randomization", "0008_pages_read_no_record")]
    operations = [
        migrations.AddField("draw", "confirmed_at", models.DateTimeField(null=True)),
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
                ],
                default="requested",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint("draw", "draw_status_known"),
        migrations.RemoveConstraint("draw", "draw_one_open_in_round"),
        migrations.RemoveConstraint("draw", "draw_drawn_all_or_none"),
        migrations.RemoveConstraint("draw", "draw_drawn_by_two"),
        migrations.AddConstraint(
            "draw",
            models.CheckConstraint(condition=models.Q(("status__in", STATES)), name="draw_status_known"),
        ),
        migrations.AddConstraint(
            "draw",
            models.UniqueConstraint(
                condition=models.Q(("status__in", OPEN)), fields=("trial", "round"), name="draw_one_open_in_round"
            ),
        ),
        migrations.AddConstraint(
            "draw",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "drawn"), _negated=True), ("drawn_at__isnull", False), _connector="OR"
                ),
                name="draw_drawn_has_moment",
            ),
        ),
        migrations.AddConstraint(
            "draw",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["confirmed", "drawn"]), _negated=True),
                    models.Q(("confirmed_by__isnull", False), ("entered_by__isnull", False)),
                    _connector="OR",
                ),
                name="draw_drawn_by_two",
            ),
        ),
    ]
