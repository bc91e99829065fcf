"""Where and how the public number is made is announced with the list; how it came about is told with the number."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("randomization", "0013_withdrawn_is_final")]
    operations = [
        migrations.AddField("draw", name, models.TextField(blank=True, db_default="", default=""))
        for name in ("source", "evidence")
    ]
