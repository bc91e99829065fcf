"""What the pages tell of earlier draws is taken over from their records; from then on it is as final as these."""

from django.db import migrations

FORWARD = """
ALTER TABLE randomization_draw DISABLE TRIGGER randomization_draw_is_final;
UPDATE randomization_draw SET
    units = json_array_length(record::json -> 'units'), commitment = record::json ->> 'commitment',
    list_hash = record::json ->> 'list_hash', params_hash = record::json ->> 'params_hash',
    result_hash = coalesce(record::json ->> 'result_hash', '')
WHERE record <> '';
ALTER TABLE randomization_draw ENABLE TRIGGER randomization_draw_is_final;
INSERT INTO randomization_groupsize (draw_id, stratum, arm, households, persons)
SELECT a.draw_id, a.stratum, a.arm, count(DISTINCT a.household_id), count(s.id)
FROM randomization_allocation a
JOIN participants_person p USING (household_id)
LEFT JOIN participants_step s ON s.person_id = p.id AND s.kind = 'randomised'
GROUP BY a.draw_id, a.stratum, a.arm;
CREATE TRIGGER randomization_groupsize_is_final BEFORE UPDATE OR DELETE ON randomization_groupsize
    FOR EACH ROW EXECUTE FUNCTION written_once();
"""
REVERSE = "DROP TRIGGER randomization_groupsize_is_final ON randomization_groupsize;"


class Migration(migrations.Migration):
    dependencies = [("randomization", "0007_groupsize"), ("participants", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
