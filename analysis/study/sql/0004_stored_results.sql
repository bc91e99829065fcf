-- The results of a trial that are stored, sealed or not: a new one may not tell about few persons when held beside them.

CREATE FUNCTION study.stored_results(of_trial text) RETURNS TABLE (document text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.document FROM public.study_result s JOIN public.study_run r ON r.id = s.run_id
    WHERE r.trial = of_trial ORDER BY r.id
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA study FROM PUBLIC;
