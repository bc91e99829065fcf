"""A number that was entered and taken back is kept, for all to see."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PERSON = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": settings.AUTH_USER_MODEL}


class Migration(migrations.Migration):
    dependencies = [
        ("randomization", "0014_where_the_number_comes_from"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="TakenBack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("beacon", models.CharField(max_length=200)),
                ("evidence", models.TextField(blank=True)),
                ("entered_at", models.DateTimeField()),
                ("taken_back_at", models.DateTimeField()),
                (
                    "draw",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="randomization.draw"
                    ),
                ),
                ("entered_by", models.ForeignKey(**PERSON)),
                ("taken_back_by", models.ForeignKey(**PERSON)),
            ],
        ),
    ]
