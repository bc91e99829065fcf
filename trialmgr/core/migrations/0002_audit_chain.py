"""The audit chain, its own schema and owner; the application may only call `audit.append`."""

from django.db import migrations

FORWARD = r"""
CREATE SCHEMA audit;

CREATE TABLE audit.log (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    on_behalf text NOT NULL,
    verb text NOT NULL,
    object text NOT NULL,
    reason text NOT NULL,
    payload_digest text NOT NULL,
    prev text NOT NULL,
    hash text NOT NULL UNIQUE
);
CREATE INDEX audit_log_object ON audit.log (object, seq);
CREATE INDEX audit_log_verb ON audit.log (verb, seq);

-- Apart from the chain, so that what an event says of a person can be erased.
CREATE TABLE audit.detail (
    seq bigint PRIMARY KEY REFERENCES audit.log,
    salt text NOT NULL,
    payload text NOT NULL
);

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'the audit chain is only ever added to' USING ERRCODE = '23000';
END $$;
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE ON audit.log
    FOR EACH ROW EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER log_is_never_emptied BEFORE TRUNCATE ON audit.log
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

CREATE FUNCTION audit.field(value text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog
    RETURN octet_length(value)::text || ':' || value || ',';

CREATE FUNCTION audit.append(actor text, on_behalf text, verb text, object text, reason text, payload text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, audit AS $$
DECLARE
    number bigint;
    previous text;
    moment timestamptz;
    salt text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    digest text;
    own text;
BEGIN
    PERFORM pg_advisory_xact_lock(7309940612);
    SELECT seq, hash INTO number, previous FROM audit.log ORDER BY seq DESC LIMIT 1;
    number := coalesce(number, 0) + 1;
    previous := coalesce(previous, repeat('0', 64));
    moment := clock_timestamp();
    digest := encode(sha256(convert_to(salt || payload, 'UTF8')), 'hex');
    own := encode(sha256(convert_to(
        audit.field(number::text)
        || audit.field((extract(epoch FROM moment) * 1000000)::bigint::text)
        || audit.field(actor) || audit.field(on_behalf) || audit.field(verb) || audit.field(object)
        || audit.field(reason) || audit.field(digest) || audit.field(previous), 'UTF8')), 'hex');
    INSERT INTO audit.log VALUES
        (number, moment, actor, on_behalf, verb, object, reason, digest, previous, own);
    INSERT INTO audit.detail VALUES (number, salt, payload);
    RETURN number;
END $$;

REVOKE ALL ON SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
"""
REVERSE = "DROP SCHEMA audit CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
