"""An auditor may hold the role for the office as a whole: a membership of no trial."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_audit_by_trial")]
    operations = [
        migrations.AlterField("membership", "trial", models.SlugField(blank=True, max_length=40)),
        migrations.AddConstraint(
            "membership",
            models.CheckConstraint(
                condition=~models.Q(trial="") | models.Q(role="auditor", site=""),
                name="membership_for_office_is_auditor",
            ),
        ),
    ]
