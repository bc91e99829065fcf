"""How the groups compare on what the municipality knew of them is counted with the draw."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("randomization", "0017_withdrawn_in_other_words")]
    operations = [
        migrations.CreateModel(
            name="TraitCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trait", models.CharField(max_length=20)),
                ("level", models.CharField(max_length=40)),
                ("arm", models.SlugField(db_index=False, max_length=40)),
                ("n", models.PositiveIntegerField()),
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
                    models.UniqueConstraint(fields=("draw", "trait", "level", "arm"), name="traitcount_once_in_draw")
                ],
            },
        ),
    ]
