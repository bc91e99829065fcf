"""What a person is found by: a column of words."""

from django.contrib.postgres.search import SearchVectorField
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("participants", "0010_no_day_of_a_baseline")]
    operations = [
        migrations.AddField(model_name="contact", name="words", field=SearchVectorField(db_default="")),
    ]
