"""What was counted with a draw is as final as the draw."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER randomization_traitcount_is_final BEFORE UPDATE OR DELETE ON randomization_traitcount
    FOR EACH ROW EXECUTE FUNCTION written_once();
"""
REVERSE = "DROP TRIGGER randomization_traitcount_is_final ON randomization_traitcount;"


class Migration(migrations.Migration):
    dependencies = [("randomization", "0018_traits_are_counted")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
