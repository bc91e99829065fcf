"""A withdrawn draw may have had a number that was taken back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("randomization", "0016_taken_back_is_public")]
    operations = [
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
                    ("withdrawn", "withdrawn; no lots were drawn"),
                ],
                default="requested",
                max_length=10,
            ),
        )
    ]
