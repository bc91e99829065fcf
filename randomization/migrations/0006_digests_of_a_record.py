"""What the pages tell of a record stands beside it."""

from django.db import migrations, models

DIGESTS = ("commitment", "list_hash", "params_hash", "result_hash")


class Migration(migrations.Migration):
    dependencies = [("randomization", "0005_refused_is_final")]
    operations = [
        migrations.AddField("draw", "units", models.PositiveIntegerField(null=True)),
        *(
            migrations.AddField("draw", name, models.CharField(max_length=64, blank=True, default="", db_default=""))
            for name in DIGESTS
        ),
    ]
