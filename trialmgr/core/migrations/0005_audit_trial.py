"""Events name their trial and site, within what is hashed.

An event written before keeps its hash: it is of the first form, with no trial. `audit.append` of the first form
stays, so that processes of the version before go on while this one is rolled out; a later release drops it.
"""

from django.db import migrations

from trialmgr.core.migrating import run_as_owner

FORWARD = r"""
ALTER TABLE audit.log
    ADD COLUMN form smallint NOT NULL DEFAULT 1,
    ADD COLUMN trial text NOT NULL DEFAULT '',
    ADD COLUMN site text NOT NULL DEFAULT '';

CREATE FUNCTION audit.append(
    actor text, on_behalf text, verb text, object text, trial text, site text, reason text, payload text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, audit AS $$
DECLARE
    number bigint;
    previous text;
    moment timestamptz;
    salt text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    digest text := encode(sha256(convert_to(salt || payload, 'UTF8')), 'hex');
    own text;
BEGIN
    PERFORM pg_advisory_xact_lock(7309940612);
    SELECT seq, hash INTO number, previous FROM audit.log ORDER BY seq DESC LIMIT 1;
    number := coalesce(number, 0) + 1;
    previous := coalesce(previous, repeat('0', 64));
    moment := clock_timestamp();
    own := encode(sha256(convert_to(
        audit.field('audit/2') || audit.field(number::text)
        || audit.field((extract(epoch FROM moment) * 1000000)::bigint::text)
        || audit.field(actor) || audit.field(on_behalf) || audit.field(verb) || audit.field(object)
        || audit.field(trial) || audit.field(site)
        || audit.field(reason) || audit.field(digest) || audit.field(previous), 'UTF8')), 'hex');
    INSERT INTO audit.log
        (seq, at, actor, on_behalf, verb, object, reason, payload_digest, prev, hash, form, trial, site) VALUES
        (number, moment, actor, on_behalf, verb, object, reason, digest, previous, own, 2, trial, site);
    INSERT INTO audit.detail VALUES (number, salt, payload);
    RETURN number;
END $$;
REVOKE ALL ON FUNCTION audit.append(text, text, text, text, text, text, text, text) FROM PUBLIC;
"""
REVERSE = """
DROP FUNCTION audit.append(text, text, text, text, text, text, text, text);
ALTER TABLE audit.log DROP COLUMN form, DROP COLUMN trial, DROP COLUMN site;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0004_written_once")]
    operations = [run_as_owner("audit.log", FORWARD, REVERSE)]
