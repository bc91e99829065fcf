"""The events of a trial, and of one of its sites, newest first without a sort; made while the office goes on working."""

from django.db import migrations

from trialmgr.core.migrating import run_as_owner


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0005_audit_trial")]
    operations = [
        run_as_owner(
            "audit.log",
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON audit.log ({columns})",
            f"DROP INDEX audit.{name}",
        )
        for name, columns in (("audit_log_trial", "trial, seq"), ("audit_log_site", "trial, site, seq"))
    ]
