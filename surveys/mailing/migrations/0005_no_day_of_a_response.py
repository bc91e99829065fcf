"""The office keeps that a wave was submitted, and no longer since when it knows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("mailing", "0004_sent_again"),
    ]
    operations = [
        migrations.RemoveField(model_name="response", name="known_since"),
    ]
