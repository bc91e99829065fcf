"""Since when a role is held. For a role of before, the making of the account is the earliest it can be."""

from django.db import migrations, models

from trialmgr.core import clock

SINCE_THE_ACCOUNT = """
    UPDATE core_membership SET given_at = core_user.date_joined FROM core_user WHERE core_user.id = user_id
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0007_office_auditor")]
    operations = [
        migrations.AddField("membership", "given_at", models.DateTimeField(null=True)),
        migrations.RunSQL(SINCE_THE_ACCOUNT, migrations.RunSQL.noop),
        migrations.AlterField("membership", "given_at", models.DateTimeField(default=clock.now)),
    ]
