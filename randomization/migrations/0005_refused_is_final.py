"""A draw that was refused is as final as one that was drawn."""

from django.db import migrations

BODY = """
CREATE OR REPLACE FUNCTION randomization_draw_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status IN ({final}) THEN
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
"""


class Migration(migrations.Migration):
    dependencies = [("randomization", "0004_a_draw_may_be_refused")]
    operations = [
        migrations.RunSQL(BODY.format(final="'drawn', 'empty', 'refused'"), BODY.format(final="'drawn', 'empty'"))
    ]
