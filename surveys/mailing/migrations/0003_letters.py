"""Letters on paper: what no mail can bring waits to be printed, and each printing is noted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailing", "0002_erasure"),
        ("participants", "0002_steps_are_final"),
        ("protocol", "0002_versions_are_final"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Printing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wave", models.SlugField(max_length=40)),
                ("at", models.DateTimeField()),
                ("letters", models.PositiveIntegerField()),
                ("copy", models.PositiveSmallIntegerField(default=0)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("jammed", "the printer jammed, or the print is bad"),
                            ("no_file", "the file did not arrive"),
                            ("lost", "the letters were lost"),
                        ],
                        max_length=10,
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="invitation",
            name="invitation_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="invitation",
            name="invitation_sent_has_day",
        ),
        migrations.RunSQL(
            "UPDATE mailing_invitation SET status = 'letter' WHERE status = 'failed'",
            "UPDATE mailing_invitation SET status = 'failed' WHERE status = 'letter'",
        ),
        migrations.AlterField(
            model_name="invitation",
            name="status",
            field=models.CharField(
                choices=[
                    ("queued", "to be sent"),
                    ("claimed", "being sent"),
                    ("sent", "sent"),
                    ("letter", "waits for a letter"),
                    ("printed", "printed as a letter"),
                    ("cancelled", "not sent"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="printing",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="printing",
            name="first",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="copies", to="mailing.printing"
            ),
        ),
        migrations.AddField(
            model_name="printing",
            name="trial",
            field=models.ForeignKey(
                db_column="trial",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="protocol.trial",
                to_field="code",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="printing",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invitations",
                to="mailing.printing",
            ),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(("status", "letter")), fields=["trial", "wave"], name="invitation_for_paper"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["queued", "claimed", "sent", "letter", "printed", "cancelled"])),
                name="invitation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["sent", "printed"]), _negated=True),
                    ("sent_on__isnull", False),
                    _connector="OR",
                ),
                name="invitation_sent_has_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("printing__isnull", False), ("status", "printed")),
                    models.Q(("printing", None), models.Q(("status", "printed"), _negated=True)),
                    _connector="OR",
                ),
                name="invitation_printed_in_a_printing",
            ),
        ),
        migrations.AddIndex(
            model_name="printing",
            index=models.Index(fields=["trial", "-at"], name="printing_newest"),
        ),
        migrations.AddConstraint(
            model_name="printing",
            constraint=models.UniqueConstraint(fields=("first", "copy"), name="printing_copy_once"),
        ),
        migrations.AddConstraint(
            model_name="printing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("copy", 0), ("first", None), ("reason", "")),
                    models.Q(("copy__gt", 0), ("first__isnull", False), ("reason__in", ["jammed", "no_file", "lost"])),
                    _connector="OR",
                ),
                name="printing_again_has_reason",
            ),
        ),
    ]
