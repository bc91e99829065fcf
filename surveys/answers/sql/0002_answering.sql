-- What the survey process may do, and all it may do. Nothing here gives an earlier answer back, except to the
-- device that gave it. Functions run as the owner of the schema, with a fixed search path.

CREATE FUNCTION answers.mark_of(pseud bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT sha256('erased|'::bytea || pseud) $$;

CREATE FUNCTION answers.questionnaire(wave_number integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT questionnaire::text FROM answers.wave WHERE number = wave_number $$;

-- 'open', 'submitted' or 'closed'; a wave that does not exist and an erased person are closed.
CREATE FUNCTION answers.state(person bytea, wave_number integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM answers.erased WHERE mark = answers.mark_of(person)) THEN 'closed'
        WHEN EXISTS (SELECT FROM answers.submitted s WHERE s.pseud = person AND s.wave = wave_number)
          OR EXISTS (SELECT FROM answers.complete c WHERE c.pseud = person AND c.wave = wave_number) THEN 'submitted'
        WHEN EXISTS (SELECT FROM answers.wave w WHERE w.number = wave_number AND NOT w.closed) THEN 'open'
        ELSE 'closed'
    END
$$;

-- One writer per person and wave, and none while answers are being poured.
CREATE FUNCTION answers.take_turn(person bytea, wave_number integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE answers.draft IN ROW EXCLUSIVE MODE;
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(person, 'hex'), wave_number));
END
$$;

-- Save one answer; the last one counts until the questionnaire is submitted. False when it is no longer open.
CREATE FUNCTION answers.save_answer(
    person bytea, wave_number integer, item_code text, answer text, is_free boolean, device_hash bytea, upcoming text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM answers.take_turn(person, wave_number);
    IF answers.state(person, wave_number) <> 'open' THEN
        RETURN false;
    END IF;
    INSERT INTO answers.draft (pseud, wave, item, value, free, device)
    VALUES (person, wave_number, item_code, answer, is_free, device_hash)
    ON CONFLICT (pseud, wave, item)
    DO UPDATE SET value = excluded.value, free = excluded.free, device = excluded.device;
    INSERT INTO answers.progress (pseud, wave, next_item) VALUES (person, wave_number, upcoming)
    ON CONFLICT (pseud, wave) DO UPDATE SET next_item = excluded.next_item;
    RETURN true;
END
$$;

CREATE FUNCTION answers.done_items(person bytea, wave_number integer) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT item FROM answers.draft WHERE pseud = person AND wave = wave_number ORDER BY item $$;

CREATE FUNCTION answers.next_item(person bytea, wave_number integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT next_item FROM answers.progress WHERE pseud = person AND wave = wave_number $$;

-- The answers that were given with this secret: it lives in the cookie of one device, only its hash is here.
CREATE FUNCTION answers.own_device_read(person bytea, wave_number integer, secret bytea)
RETURNS TABLE (item text, value text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.item, d.value FROM answers.draft d
    WHERE d.pseud = person AND d.wave = wave_number AND d.device = sha256(secret)
      AND octet_length(secret) = 32 AND answers.state(person, wave_number) = 'open'
    ORDER BY d.item
$$;

-- True for the first submission, false for every other. A questionnaire without any answer cannot be submitted.
CREATE FUNCTION answers.submit(person bytea, wave_number integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM answers.take_turn(person, wave_number);
    IF answers.state(person, wave_number) <> 'open'
       OR NOT EXISTS (SELECT FROM answers.draft WHERE pseud = person AND wave = wave_number) THEN
        RETURN false;
    END IF;
    INSERT INTO answers.submitted (pseud, wave) VALUES (person, wave_number);
    RETURN true;
END
$$;
