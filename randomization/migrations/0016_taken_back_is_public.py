"""A number is taken back only with a trace that stays; with it, the draw may be withdrawn after all."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("randomization.migrations.0013_withdrawn_is_final").FORWARD.partition(
    "CREATE FUNCTION randomization_withdrawal_final"
)[0]
FORWARD = """
CREATE OR REPLACE FUNCTION randomization_draw_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status IN ('drawn', 'empty', 'refused', 'withdrawn') THEN
        RAISE EXCEPTION 'draw % is final', OLD.id USING ERRCODE = '23000';
    END IF;
    IF (NEW.trial, NEW.number, NEW.round, NEW.event, NEW.event_on, NEW.source, NEW.requested_by_id) IS DISTINCT FROM
       (OLD.trial, OLD.number, OLD.round, OLD.event, OLD.event_on, OLD.source, OLD.requested_by_id) THEN
        RAISE EXCEPTION 'what draw % is for cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.status <> 'requested' AND (NEW.status <> 'drawn' AND NEW.record <> OLD.record
       OR (NEW.units, NEW.commitment, NEW.list_hash, NEW.params_hash, NEW.committed_at) IS DISTINCT FROM
          (OLD.units, OLD.commitment, OLD.list_hash, OLD.params_hash, OLD.committed_at)) THEN
        RAISE EXCEPTION 'the published list of draw % cannot change', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.status = 'confirmed' AND (NEW.status NOT IN ('confirmed', 'drawn')
       OR (NEW.beacon, NEW.evidence, NEW.entered_by_id, NEW.confirmed_by_id, NEW.confirmed_at) IS DISTINCT FROM
          (OLD.beacon, OLD.evidence, OLD.entered_by_id, OLD.confirmed_by_id, OLD.confirmed_at)) THEN
        RAISE EXCEPTION 'draw % is confirmed and can only be drawn', OLD.id USING ERRCODE = '23000';
    END IF;
    IF OLD.entered_at IS NOT NULL AND NEW.entered_at IS NULL THEN
        NEW.entered_at := OLD.entered_at;  -- that a number was entered is never forgotten
    END IF;
    IF OLD.status = 'entered' AND (NEW.status = 'committed' OR NEW.beacon <> OLD.beacon) THEN
        IF NEW.status <> 'committed' OR NOT EXISTS (
            SELECT FROM public.randomization_takenback
            WHERE (draw_id, beacon, entered_at, entered_by_id)
                = (OLD.id, OLD.beacon, OLD.entered_at, OLD.entered_by_id)) THEN
            RAISE EXCEPTION 'the number of draw % is taken back in public', OLD.id USING ERRCODE = '23000';
        END IF;
    END IF;
    IF NEW.status = 'withdrawn' THEN
        IF OLD.status <> 'committed' OR OLD.entered_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM public.randomization_takenback WHERE draw_id = OLD.id) THEN
            RAISE EXCEPTION 'draw % cannot be withdrawn any more', OLD.id USING ERRCODE = '23000';
        END IF;
        IF NOT EXISTS (SELECT FROM public.randomization_withdrawal
                       WHERE draw_id = OLD.id AND confirmed_by_id IS NOT NULL) THEN
            RAISE EXCEPTION 'draw % is withdrawn by two persons', OLD.id USING ERRCODE = '23000';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER randomization_takenback_is_final BEFORE UPDATE OR DELETE ON randomization_takenback
    FOR EACH ROW EXECUTE FUNCTION written_once();
"""
REVERSE = f"""
DROP TRIGGER randomization_takenback_is_final ON randomization_takenback;
{BEFORE}
"""


class Migration(migrations.Migration):
    dependencies = [("randomization", "0015_taken_back")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
