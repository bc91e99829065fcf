-- What the vault and its study worker may do with runs: see which are approved, begin, finish, fail, read what is released.

CREATE SCHEMA study;
REVOKE ALL ON SCHEMA study FROM PUBLIC;

CREATE FUNCTION study.wanted_runs() RETURNS TABLE (run text, trial text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.code::text, r.trial::text FROM public.study_run r WHERE r.status = 'approved' ORDER BY r.id $$;

-- Start an approved run: gives its protocol, and lets the release login in. Safe to repeat after a crash.
CREATE FUNCTION study.begin(run_code text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found public.study_run;
BEGIN
    SELECT * INTO found FROM public.study_run WHERE code = run_code FOR UPDATE;
    IF found.id IS NULL OR found.status NOT IN ('approved', 'running') THEN
        RAISE EXCEPTION 'run % is not approved', run_code USING ERRCODE = '55000';
    END IF;
    IF (SELECT count(DISTINCT a.by_id) FROM public.study_approval a
        WHERE a.run_id = found.id AND a.by_id <> found.requested_by_id) < 2 THEN
        RAISE EXCEPTION 'run % lacks the approval of two persons', run_code USING ERRCODE = '55000';
    END IF;
    UPDATE public.study_run SET status = 'running' WHERE id = found.id;
    PERFORM ops.open_release();
    RETURN (SELECT document FROM public.study_registration WHERE id = found.registration_id);
END
$$;

-- Store what was found and shut the release login out. A second time changes nothing.
CREATE FUNCTION study.finish(run_code text, found_document text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found public.study_run;
BEGIN
    SELECT * INTO found FROM public.study_run WHERE code = run_code FOR UPDATE;
    IF found.status = 'running' THEN
        INSERT INTO public.study_result (run_id, document, sha256)
            VALUES (found.id, found_document, encode(sha256(convert_to(found_document, 'UTF8')), 'hex'));
        UPDATE public.study_run SET status = 'done' WHERE id = found.id;
    END IF;
    PERFORM study.shut_release();
END
$$;

CREATE FUNCTION study.fail(run_code text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.study_run SET status = 'failed', fault = left(reason, 300)
        WHERE code = run_code AND status IN ('approved', 'running');
    PERFORM study.shut_release();
END
$$;

-- Only the last run that ends locks the door.
CREATE FUNCTION study.shut_release() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.study_run WHERE status = 'running') THEN
        PERFORM ops.close_release();
    END IF;
END
$$;

-- Results that may be seen on a day: the embargo is over, or two persons released them.
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

-- A result and a registration are written once; so is an approval.
CREATE TRIGGER study_result_is_final BEFORE UPDATE OR DELETE ON public.study_result
    FOR EACH ROW EXECUTE FUNCTION public.written_once();
CREATE TRIGGER study_registration_is_final BEFORE UPDATE OR DELETE ON public.study_registration
    FOR EACH ROW EXECUTE FUNCTION public.written_once();
CREATE TRIGGER study_approval_is_final BEFORE UPDATE OR DELETE ON public.study_approval
    FOR EACH ROW EXECUTE FUNCTION public.written_once();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA study FROM PUBLIC;
