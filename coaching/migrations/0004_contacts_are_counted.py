"""The database counts contacts by group and day as they are written, corrected or struck out."""

from django.db import migrations

# {rows}: the contacts that a statement made, with sign 1, and as they stood before it, with sign -1.
COUNT = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO public.coaching_contactcount AS counted (trial, arm, day, held, in_person, missed)
    {counts}
    ON CONFLICT (trial, arm, day) DO UPDATE SET held = counted.held + excluded.held,
        in_person = counted.in_person + excluded.in_person, missed = counted.missed + excluded.missed;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION {name}() FROM PUBLIC;
"""
COUNTS = """
    SELECT a.trial, a.arm, c.day, sum(sign) FILTER (WHERE c.attended) AS held,
        sum(sign) FILTER (WHERE c.attended AND c.channel IN ('office', 'home', 'neighbourhood')) AS in_person,
        sum(sign) FILTER (WHERE NOT c.attended) AS missed
    FROM ({rows}) c
    JOIN public.participants_person p ON p.id = c.person_id
    JOIN public.randomization_allocation a ON a.household_id = p.household_id
    WHERE c.voided_at IS NULL GROUP BY a.trial, a.arm, c.day
"""
SUMS = """
    SELECT trial, arm, day, coalesce(held, 0), coalesce(in_person, 0), coalesce(missed, 0) FROM ({counts}) s
    WHERE (held, in_person, missed) IS DISTINCT FROM (0, 0, 0) ORDER BY trial, arm, day
"""
NOTED = "SELECT 1 AS sign, * FROM noted"
CHANGED = "SELECT 1 AS sign, * FROM changed UNION ALL SELECT -1, * FROM before"


def counts(rows: str) -> str:
    return SUMS.format(counts=COUNTS.format(rows=rows))


FORWARD = f"""
{COUNT.format(name="coaching_count_noted", counts=counts(NOTED))}
{COUNT.format(name="coaching_count_changed", counts=counts(CHANGED))}
CREATE TRIGGER coaching_contact_is_counted AFTER INSERT ON coaching_contact
    REFERENCING NEW TABLE AS noted FOR EACH STATEMENT EXECUTE FUNCTION coaching_count_noted();
CREATE TRIGGER coaching_contact_is_counted_again AFTER UPDATE ON coaching_contact
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION coaching_count_changed();
INSERT INTO coaching_contactcount (trial, arm, day, held, in_person, missed)
    {counts("SELECT 1 AS sign, * FROM coaching_contact")};
"""  # noqa: S608 -- constants
REVERSE = """
DROP TRIGGER coaching_contact_is_counted_again ON coaching_contact;
DROP TRIGGER coaching_contact_is_counted ON coaching_contact;
DROP FUNCTION coaching_count_changed();
DROP FUNCTION coaching_count_noted();
DELETE FROM coaching_contactcount;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("coaching", "0003_contactcount"),
        ("participants", "0001_initial"),
        ("randomization", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
