"""A released result says that it was opened early."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent.parent / "sql"
REVERSE = """
DROP FUNCTION study.released_results(date);
CREATE FUNCTION study.released_results(on_day date) RETURNS TABLE (run text, trial text, document text, sha256 text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.code::text, r.trial::text, s.document, s.sha256::text
    FROM public.study_result s
    JOIN public.study_run r ON r.id = s.run_id
    JOIN public.study_registration g ON g.id = r.registration_id
    LEFT JOIN public.study_release l ON l.run_id = r.id
    WHERE (g.document::jsonb -> 'embargo' ->> 'until')::date <= on_day OR l.confirmed_at IS NOT NULL
    ORDER BY r.id
$$;
REVOKE ALL ON FUNCTION study.released_results(date) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("study", "0006_ending_is_final")]
    operations = [
        migrations.RunSQL((FOLDER / "0007_opened_early.sql").read_text("utf-8"), REVERSE),
    ]
