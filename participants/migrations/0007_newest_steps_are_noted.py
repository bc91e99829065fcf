"""The database notes the newest step of a household as steps are written; steps are never changed or removed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION participants_note_newest_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO public.participants_neweststep AS newest (household_id, step_id, kind, recorded_at)
    SELECT DISTINCT ON (p.household_id) p.household_id, t.id, t.kind, t.recorded_at
    FROM taken t JOIN public.participants_person p ON p.id = t.person_id
    ORDER BY p.household_id, t.recorded_at DESC, t.id DESC
    ON CONFLICT (household_id) DO UPDATE
        SET step_id = excluded.step_id, kind = excluded.kind, recorded_at = excluded.recorded_at
        WHERE (excluded.recorded_at, excluded.step_id) > (newest.recorded_at, newest.step_id);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION participants_note_newest_step() FROM PUBLIC;
CREATE TRIGGER participants_step_may_be_newest AFTER INSERT ON participants_step
    REFERENCING NEW TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION participants_note_newest_step();
INSERT INTO participants_neweststep (household_id, step_id, kind, recorded_at)
    SELECT DISTINCT ON (p.household_id) p.household_id, s.id, s.kind, s.recorded_at
    FROM participants_step s JOIN participants_person p ON p.id = s.person_id
    ORDER BY p.household_id, s.recorded_at DESC, s.id DESC;
"""
REVERSE = """
DROP TRIGGER participants_step_may_be_newest ON participants_step;
DROP FUNCTION participants_note_newest_step();
DELETE FROM participants_neweststep;
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0006_neweststep")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
