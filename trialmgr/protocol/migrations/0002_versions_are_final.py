"""What no constraint can say: a version is written once, its digest is true, a first draw is never undone."""

from django.db import migrations

FORWARD = """
ALTER TABLE protocol_protocolversion ADD CONSTRAINT protocolversion_sha256_is_of_document
    CHECK (sha256 = encode(pg_catalog.sha256(convert_to(document, 'UTF8')), 'hex'));

CREATE FUNCTION protocol_version_is_final() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a protocol version is final: load a new one' USING ERRCODE = '23000';
END $$;
CREATE TRIGGER version_is_final BEFORE UPDATE OR DELETE ON protocol_protocolversion
    FOR EACH ROW EXECUTE FUNCTION protocol_version_is_final();
CREATE TRIGGER versions_are_never_emptied BEFORE TRUNCATE ON protocol_protocolversion
    FOR EACH STATEMENT EXECUTE FUNCTION protocol_version_is_final();

CREATE FUNCTION protocol_trial_keeps_its_draw() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.code <> OLD.code
       OR (OLD.first_drawn_at IS NOT NULL AND NEW.first_drawn_at IS DISTINCT FROM OLD.first_drawn_at) THEN
        RAISE EXCEPTION 'trial % keeps its code and the moment of its first draw', OLD.code USING ERRCODE = '23000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trial_keeps_its_draw BEFORE UPDATE ON protocol_trial
    FOR EACH ROW EXECUTE FUNCTION protocol_trial_keeps_its_draw();
"""
REVERSE = """
DROP TRIGGER trial_keeps_its_draw ON protocol_trial;
DROP TRIGGER versions_are_never_emptied ON protocol_protocolversion;
DROP TRIGGER version_is_final ON protocol_protocolversion;
DROP FUNCTION protocol_trial_keeps_its_draw();
DROP FUNCTION protocol_version_is_final();
ALTER TABLE protocol_protocolversion DROP CONSTRAINT protocolversion_sha256_is_of_document;
"""


class Migration(migrations.Migration):
    dependencies = [("protocol", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
