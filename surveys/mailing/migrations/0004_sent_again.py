"""The link once more because somebody asked for it: beside the invitation and the reminders, once a day at most."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailing", "0003_letters"),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="asked",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RemoveConstraint(
            model_name="invitation",
            name="invitation_once",
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("asked", False)), fields=("person", "wave", "reminder"), name="invitation_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("asked", True)),
                fields=("person", "wave", "queued_on"),
                name="invitation_asked_once_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("asked", False), ("reminder", 0), _connector="OR"),
                name="invitation_asked_is_no_reminder",
            ),
        ),
    ]
