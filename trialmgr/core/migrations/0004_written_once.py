"""A trigger function for rows that are written once; it guards only the row it is called for."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION written_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is written once', TG_TABLE_NAME USING ERRCODE = '23000';
END $$;
REVOKE ALL ON FUNCTION written_once() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0003_shared_cache")]
    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION written_once();")]
