"""The office keeps that the first questionnaire was filled in, and no longer since when it knows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0009_exits_do_not_overlap"),
    ]
    operations = [
        migrations.RemoveField(model_name="baseline", name="known_since"),
    ]
