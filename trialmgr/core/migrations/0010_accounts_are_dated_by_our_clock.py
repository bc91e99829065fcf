"""The day of an account comes from the clock of the trial, as every other day does."""

from django.db import migrations, models

from trialmgr.core import clock


class Migration(migrations.Migration):
    dependencies = [("core", "0009_chaincheck")]
    operations = [migrations.AlterField("user", "date_joined", models.DateTimeField(default=clock.now))]
