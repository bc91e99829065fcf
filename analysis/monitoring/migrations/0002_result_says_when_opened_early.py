"""A released result says that it was opened before the embargo ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="releasedresult",
            name="opened_early",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
