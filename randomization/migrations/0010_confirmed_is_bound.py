"""What two persons confirmed is drawn, and nothing else; what was published of a list stays as it was published."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("randomization.migrations.0005_refused_is_final").BODY.format(
    final="'drawn', 'empty', 'refused'"
)
FORWARD = """
CREATE OR REPLACE FUNCTION randomization_draw_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status IN ('drawn', 'empty', 'refused') THEN
        RAISE EXCEPTION 'draw % is final', OLD.id USING ERRCODE = '23000';
    END IF;
    IF (NEW.trial, NEW.number, NEW.round, NEW.event, NEW.requested_by_id) IS DISTINCT FROM
       (OLD.trial, OLD.number, OLD.round, OLD.event, OLD.requested_by_id) THEN
        RAISE EXCEPTION 'what draw % is for cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.status <> 'requested' AND (NEW.status <> 'drawn' AND NEW.record <> OLD.record
       OR (NEW.units, NEW.commitment, NEW.list_hash, NEW.params_hash, NEW.committed_at) IS DISTINCT FROM
          (OLD.units, OLD.commitment, OLD.list_hash, OLD.params_hash, OLD.committed_at)) THEN
        RAISE EXCEPTION 'the published list of draw % cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.status = 'confirmed' AND (NEW.status NOT IN ('confirmed', 'drawn')
       OR (NEW.beacon, NEW.entered_by_id, NEW.confirmed_by_id, NEW.confirmed_at) IS DISTINCT FROM
          (OLD.beacon, OLD.entered_by_id, OLD.confirmed_by_id, OLD.confirmed_at)) THEN
        RAISE EXCEPTION 'draw % is confirmed and can only be drawn', OLD.id USING ERRCODE = '23000';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("randomization", "0009_lots_are_drawn_by_a_job")]
    operations = [migrations.RunSQL(FORWARD, BEFORE)]
