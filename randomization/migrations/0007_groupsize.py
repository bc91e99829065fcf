"""The sizes of the groups that a draw made."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("randomization", "0006_digests_of_a_record")]
    operations = [
        migrations.CreateModel(
            name="GroupSize",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stratum", models.CharField(max_length=200)),
                ("arm", models.SlugField(db_index=False, max_length=40)),
                ("households", models.PositiveIntegerField()),
                ("persons", models.PositiveIntegerField()),
                (
                    "draw",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="randomization.draw",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("draw", "stratum", "arm"), name="groupsize_once_in_draw")
                ],
            },
        ),
    ]
