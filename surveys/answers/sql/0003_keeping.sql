-- What the vault and the research worker may do: membership, erasure, pouring, closing.

CREATE FUNCTION answers.wave_number(study_code text, wave_name text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT number FROM answers.wave WHERE study = study_code AND name = wave_name $$;

-- Which of these have submitted. Never for a few: a single question would show the moment of answering.
CREATE FUNCTION answers.status(wave_number integer, persons bytea[]) RETURNS SETOF bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(DISTINCT p) FROM unnest(persons) p) < 20 THEN
        RAISE EXCEPTION 'status is not given for fewer than 20 persons' USING ERRCODE = '22023';
    END IF;
    RETURN QUERY
        SELECT DISTINCT p FROM unnest(persons) p
        WHERE EXISTS (SELECT FROM answers.submitted s WHERE s.pseud = p AND s.wave = wave_number)
           OR EXISTS (SELECT FROM answers.complete c WHERE c.pseud = p AND c.wave = wave_number)
        ORDER BY p;
END
$$;

-- Responses per wave, rounded down to tens, so that two counts do not differ by one person.
CREATE FUNCTION answers.response_counts(study_code text) RETURNS TABLE (wave text, at_least integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.name, ((
        (SELECT count(*) FROM answers.submitted s WHERE s.wave = w.number)
        + (SELECT count(*) FROM answers.complete c WHERE c.wave = w.number)) / 10 * 10)::integer
    FROM answers.wave w WHERE w.study = study_code ORDER BY w.number
$$;

-- Pouring, closing and erasing go one at a time: each of them locks whole tables.
CREATE FUNCTION answers.take_the_store() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(hashtextextended('answers store', 0)) $$;

CREATE FUNCTION answers.erase_listed(marks bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder text;
BEGIN
    PERFORM answers.take_the_store();
    INSERT INTO answers.erased (mark) SELECT DISTINCT m FROM unnest(marks) m ORDER BY m ON CONFLICT DO NOTHING;
    LOCK TABLE answers.draft IN ACCESS EXCLUSIVE MODE;
    FOREACH holder IN ARRAY ARRAY['draft', 'progress', 'submitted', 'complete', 'poured', 'poured_text', 'score', 'scored'] LOOP
        EXECUTE format('DELETE FROM answers.%I WHERE answers.mark_of(pseud) = ANY ($1)', holder) USING marks;
    END LOOP;
END
$$;

-- Remove everything of one person and keep the pseudonym shut. Safe to repeat.
CREATE FUNCTION answers.erase(person bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT answers.erase_listed(ARRAY[answers.mark_of(person)]) $$;

-- Write a table anew in the order of its key, as one transaction: row order, row address and transaction id then tell
-- nothing about who answered before whom. The old file is dropped.
CREATE FUNCTION answers.rewrite(holder text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ordering text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) INTO ordering
    FROM pg_constraint c
    CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
    WHERE c.contype = 'p' AND c.conrelid = format('answers.%I', holder)::regclass;
    EXECUTE format('LOCK TABLE answers.%I IN ACCESS EXCLUSIVE MODE', holder);
    EXECUTE format('CREATE TABLE answers.rewriting AS SELECT * FROM answers.%I', holder);
    EXECUTE format('TRUNCATE answers.%I', holder);
    EXECUTE format('INSERT INTO answers.%I SELECT * FROM answers.rewriting ORDER BY %s', holder, ordering);
    DROP TABLE answers.rewriting;
END
$$;

CREATE FUNCTION answers.pour_wave(wave_number integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sets integer;
BEGIN
    UPDATE answers.wave SET days_waited = 0 WHERE number = wave_number;
    LOCK TABLE answers.draft, answers.progress, answers.submitted IN ACCESS EXCLUSIVE MODE;
    INSERT INTO answers.poured (pseud, wave, item, value)
        SELECT d.pseud, d.wave, d.item, d.value FROM answers.draft d JOIN answers.submitted s USING (pseud, wave)
        WHERE d.wave = wave_number AND NOT d.free ORDER BY d.pseud, d.item;
    INSERT INTO answers.poured_text (pseud, wave, item, value)
        SELECT d.pseud, d.wave, d.item, d.value FROM answers.draft d JOIN answers.submitted s USING (pseud, wave)
        WHERE d.wave = wave_number AND d.free ORDER BY d.pseud, d.item;
    INSERT INTO answers.complete (pseud, wave)
        SELECT pseud, wave FROM answers.submitted WHERE wave = wave_number ORDER BY pseud;
    GET DIAGNOSTICS sets = ROW_COUNT;
    DELETE FROM answers.draft d USING answers.submitted s
        WHERE d.pseud = s.pseud AND d.wave = s.wave AND d.wave = wave_number;
    DELETE FROM answers.progress p USING answers.submitted s
        WHERE p.pseud = s.pseud AND p.wave = s.wave AND p.wave = wave_number;
    DELETE FROM answers.submitted WHERE wave = wave_number;
    PERFORM answers.rewrite(t) FROM unnest(ARRAY['draft', 'progress', 'submitted']) t;
    RETURN sets;
END
$$;

-- Move submitted sets to where research may read them, at least five together, or after a week of waiting.
CREATE FUNCTION answers.pour() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due integer[];
BEGIN
    PERFORM answers.take_the_store();
    SELECT array_agg(w.number ORDER BY w.number) INTO due FROM answers.wave w
    WHERE (SELECT count(*) FROM answers.submitted s WHERE s.wave = w.number)
          >= CASE WHEN w.days_waited >= 7 THEN 1 ELSE 5 END;
    RETURN (SELECT coalesce(sum(answers.pour_wave(d)), 0) FROM unnest(due) d);
END
$$;

-- Once a day: sets too few to be poured grow a day older.
CREATE FUNCTION answers.wait_a_day() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE answers.wave w SET days_waited = least(w.days_waited + 1, 7)
    WHERE EXISTS (SELECT FROM answers.submitted s WHERE s.wave = w.number)
$$;

-- Announce a wave and what it asks; gives its number. The questions are fixed once the first answer is in.
CREATE FUNCTION answers.open_wave(study_code text, wave_name text, questions jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    existing answers.wave;
    fresh integer;
BEGIN
    LOCK TABLE answers.wave IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO existing FROM answers.wave WHERE study = study_code AND name = wave_name;
    IF existing.questionnaire = questions THEN
        RETURN existing.number;
    ELSIF existing.number IS NULL THEN
        SELECT coalesce(max(number), 0) + 1 INTO fresh FROM answers.wave;
        INSERT INTO answers.wave (number, study, name, questionnaire) VALUES (fresh, study_code, wave_name, questions);
        RETURN fresh;
    ELSIF existing.closed OR EXISTS (SELECT FROM answers.draft WHERE wave = existing.number)
          OR EXISTS (SELECT FROM answers.complete WHERE wave = existing.number) THEN
        RAISE EXCEPTION 'the questions of wave % of % are fixed: it has answers', wave_name, study_code
            USING ERRCODE = '55000';
    END IF;
    UPDATE answers.wave SET questionnaire = questions WHERE number = existing.number;
    RETURN existing.number;
END
$$;

-- Close a wave for good: pour what was submitted, drop what was not, and write every table anew.
CREATE FUNCTION answers.close_wave(wave_number integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sets integer;
BEGIN
    PERFORM answers.take_the_store();
    UPDATE answers.wave SET closed = true WHERE number = wave_number;
    sets := answers.pour_wave(wave_number);
    DELETE FROM answers.draft WHERE wave = wave_number;
    DELETE FROM answers.progress WHERE wave = wave_number;
    PERFORM answers.rewrite(t) FROM unnest(ARRAY[
        'draft', 'progress', 'submitted', 'complete', 'poured', 'poured_text', 'score', 'scored', 'erased']) t;
    RETURN sets;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA answers FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA answers FROM PUBLIC;
