-- A released result says when it was opened before the end of the embargo: the day, who, on what ground; '' otherwise.
DROP FUNCTION study.released_results(date);

CREATE FUNCTION study.released_results(on_day date)
RETURNS TABLE (run text, trial text, document text, sha256 text, opened_early text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.code::text, r.trial::text, s.document, s.sha256::text,
        CASE WHEN (l.confirmed_at AT TIME ZONE 'Europe/Amsterdam')::date < e.until THEN json_build_object(
            'on', (l.confirmed_at AT TIME ZONE 'Europe/Amsterdam')::date,
            'by', json_build_array(proposer.name, confirmer.name), 'ground', l.ground)::text ELSE '' END
    FROM public.study_result s
    JOIN public.study_run r ON r.id = s.run_id
    JOIN public.study_registration g ON g.id = r.registration_id
    CROSS JOIN LATERAL (SELECT (g.document::jsonb -> 'embargo' ->> 'until')::date AS until) e
    LEFT JOIN public.study_release l ON l.run_id = r.id
    LEFT JOIN public.core_user proposer ON proposer.id = l.proposed_by_id
    LEFT JOIN public.core_user confirmer ON confirmer.id = l.confirmed_by_id
    WHERE e.until <= on_day OR l.confirmed_at IS NOT NULL
    ORDER BY r.id
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA study FROM PUBLIC;
