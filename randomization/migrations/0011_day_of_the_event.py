"""The day of the public event is announced with its number."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("randomization", "0010_confirmed_is_bound")]
    operations = [
        migrations.AddField(
            "draw",
            "event_on",
            models.DateField(help_text="the day announced for the event; none in draws of before 0.1", null=True),
        )
    ]
