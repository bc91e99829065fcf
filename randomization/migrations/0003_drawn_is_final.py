"""A draw that has been drawn, and the list it was committed to, are never changed; no draw is removed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION randomization_draw_final() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status IN ('drawn', 'empty') THEN
        RAISE EXCEPTION 'draw % is final', OLD.id USING ERRCODE = '23000';
    END IF;
    IF (NEW.trial, NEW.number, NEW.round, NEW.event, NEW.requested_by_id) IS DISTINCT FROM
       (OLD.trial, OLD.number, OLD.round, OLD.event, OLD.requested_by_id) THEN
        RAISE EXCEPTION 'what draw % is for cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.status <> 'requested' AND NEW.status <> 'drawn' AND NEW.record <> OLD.record THEN
        RAISE EXCEPTION 'the published list of draw % cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION randomization_draw_final() FROM PUBLIC;
CREATE TRIGGER randomization_draw_is_final BEFORE UPDATE OR DELETE ON randomization_draw
    FOR EACH ROW EXECUTE FUNCTION randomization_draw_final();
"""
REVERSE = """
DROP TRIGGER randomization_draw_is_final ON randomization_draw;
DROP FUNCTION randomization_draw_final();
"""


class Migration(migrations.Migration):
    dependencies = [("randomization", "0002_allocations_are_final")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
