"""What the nightly walk along the audit chain found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0008_membership_given_at")]
    operations = [
        migrations.CreateModel(
            name="ChainCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("events", models.PositiveBigIntegerField()),
                ("anchors", models.PositiveIntegerField()),
                ("faults", models.JSONField()),
            ],
        ),
    ]
