-- The release login is shut when a run left it open: after an hour, or when no run is under way. Runs leave evidence.

-- Taken by whoever opens or shuts the release login, last of all locks, until the end of the transaction.
CREATE OR REPLACE FUNCTION study.hold_door() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(7309940613) $$;

CREATE OR REPLACE FUNCTION study.note(verb text, object text, trial text, reason text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT audit.append('job:study', '', verb, object, trial, '', reason, '{}') $$;

-- Start an approved run: gives its protocol, and lets the release login in. Safe to repeat after a crash.
CREATE OR REPLACE FUNCTION study.begin(run_code text) RETURNS text
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
    PERFORM study.hold_door();
    PERFORM ops.open_release();
    PERFORM study.note('run.begun', 'run:' || run_code, found.trial, '');
    RETURN (SELECT document FROM public.study_registration WHERE id = found.registration_id);
END
$$;

-- Store what was found and shut the release login out. A second time changes nothing.
CREATE OR REPLACE FUNCTION study.finish(run_code text, found_document text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found public.study_run;
    digest text := encode(sha256(convert_to(found_document, 'UTF8')), 'hex');
BEGIN
    SELECT * INTO found FROM public.study_run WHERE code = run_code FOR UPDATE;
    IF found.status = 'running' THEN
        INSERT INTO public.study_result (run_id, document, sha256) VALUES (found.id, found_document, digest);
        UPDATE public.study_run SET status = 'done' WHERE id = found.id;
    END IF;
    PERFORM study.shut_release();
    IF found.status = 'running' THEN
        PERFORM study.note('run.done', 'run:' || run_code, found.trial, 'result ' || digest);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION study.fail(run_code text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_trial text;
BEGIN
    UPDATE public.study_run SET status = 'failed', fault = left(reason, 300)
        WHERE code = run_code AND status IN ('approved', 'running') RETURNING trial INTO of_trial;
    PERFORM study.shut_release();
    IF of_trial IS NOT NULL THEN
        PERFORM study.note('run.failed', 'run:' || run_code, of_trial, reason);
    END IF;
END
$$;

-- Only the last run that ends locks the door.
CREATE OR REPLACE FUNCTION study.shut_release() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM study.hold_door();
    IF NOT EXISTS (SELECT FROM public.study_run WHERE status = 'running') THEN
        PERFORM ops.close_release();
    END IF;
END
$$;

-- Shut the release login when it should not be open; gives why it was shut, or '' when nothing was wrong.
CREATE OR REPLACE FUNCTION study.sweep_release() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    why text;
BEGIN
    PERFORM study.hold_door();
    SELECT CASE WHEN NOT EXISTS (SELECT FROM public.study_run WHERE status = 'running') THEN 'no run is under way'
                WHEN rolvaliduntil < clock_timestamp() THEN 'open for longer than an hour' END
        INTO why FROM pg_roles WHERE rolname = 'research_release' AND rolcanlogin;
    IF why IS NULL THEN
        RETURN '';
    END IF;
    PERFORM ops.close_release();
    PERFORM study.note('release.shut', 'login:research_release', '', why);
    RETURN why;
END
$$;

-- Runs that were begun and not ended: the worker is at it, or was killed.
CREATE OR REPLACE FUNCTION study.running_runs() RETURNS TABLE (run text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.code::text FROM public.study_run r WHERE r.status = 'running' ORDER BY r.id $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA study FROM PUBLIC;
