"""The database counts steps as they are written, so that no page has to; steps are never changed or removed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION participants_count_steps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO public.participants_stepcount AS counted (trial, kind, reason, persons)
    SELECT p.trial, t.kind, t.reason, count(*)
    FROM taken t JOIN public.participants_person p ON p.id = t.person_id
    GROUP BY p.trial, t.kind, t.reason ORDER BY p.trial, t.kind, t.reason
    ON CONFLICT (trial, kind, reason) DO UPDATE SET persons = counted.persons + excluded.persons;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION participants_count_steps() FROM PUBLIC;
CREATE TRIGGER participants_step_is_counted AFTER INSERT ON participants_step
    REFERENCING NEW TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION participants_count_steps();
INSERT INTO participants_stepcount (trial, kind, reason, persons)
    SELECT p.trial, s.kind, s.reason, count(*) FROM participants_step s JOIN participants_person p ON p.id = s.person_id
    GROUP BY p.trial, s.kind, s.reason;
"""
REVERSE = """
DROP TRIGGER participants_step_is_counted ON participants_step;
DROP FUNCTION participants_count_steps();
DELETE FROM participants_stepcount;
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0003_stepcount")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
