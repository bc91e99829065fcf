"""A list that cannot be made ends its draw, with the reason; a drawn one has two persons who vouch for it."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("protocol", "0002_versions_are_final"),
        ("randomization", "0003_drawn_is_final"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="draw",
            name="draw_status_known",
        ),
        migrations.AddField(
            model_name="draw",
            name="fault",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="draw",
            name="status",
            field=models.CharField(
                choices=[
                    ("requested", "the list is being made"),
                    ("empty", "no household was ready"),
                    ("refused", "no list could be made"),
                    ("committed", "published, waits for the public number"),
                    ("entered", "public number entered, waits for a second person"),
                    ("drawn", "drawn"),
                ],
                default="requested",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="draw",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["requested", "empty", "refused", "committed", "entered", "drawn"])),
                name="draw_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="draw",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "drawn"), _negated=True),
                    models.Q(("confirmed_by__isnull", False), ("entered_by__isnull", False)),
                    _connector="OR",
                ),
                name="draw_drawn_by_two",
            ),
        ),
    ]
