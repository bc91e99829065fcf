"""A checked file is kept with its round, its day and its columns; a draft of before then is uploaded again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("participants", "0007_newest_steps_are_noted")]
    operations = [
        migrations.AddField(
            model_name="importdraft",
            name="facts",
            field=models.JSONField(db_default=models.Value({}, models.JSONField())),
        ),
    ]
