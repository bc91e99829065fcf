"""How a contact stood before a correction is never changed or removed; no contact is removed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("coaching", "0001_initial"), ("core", "0004_written_once")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER coaching_contactchange_is_final BEFORE UPDATE OR DELETE ON coaching_contactchange"
            " FOR EACH ROW EXECUTE FUNCTION written_once();"
            "CREATE TRIGGER coaching_contact_stays BEFORE DELETE ON coaching_contact"
            " FOR EACH ROW EXECUTE FUNCTION written_once();",
            "DROP TRIGGER coaching_contact_stays ON coaching_contact;"
            "DROP TRIGGER coaching_contactchange_is_final ON coaching_contactchange;",
        )
    ]
