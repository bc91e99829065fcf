-- The answers store. Nothing here may tell when, where, in which order or through which link somebody answered:
-- no time, no date, no address, no sequence. A pseudonym is 32 bytes that only the vault can make.

CREATE SCHEMA answers;
REVOKE ALL ON SCHEMA answers FROM PUBLIC;

CREATE TABLE answers.wave (
    number integer PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
    study text NOT NULL CHECK (study <> ''),
    name text NOT NULL CHECK (name <> ''),
    questionnaire jsonb NOT NULL,
    closed boolean NOT NULL DEFAULT false,
    days_waited smallint NOT NULL DEFAULT 0,
    CONSTRAINT wave_unique_in_study UNIQUE (study, name)
);

-- Answers while a questionnaire is being filled in. A value of null is a question that was passed over.
-- Written through save_answer only, which checks the wave; a foreign key would lock the row of the wave at each answer.
CREATE TABLE answers.draft (
    pseud bytea NOT NULL CONSTRAINT draft_pseud_length CHECK (octet_length(pseud) = 32),
    wave integer NOT NULL,
    item text NOT NULL CONSTRAINT draft_item_length CHECK (length(item) BETWEEN 1 AND 120),
    value text CONSTRAINT draft_value_length CHECK (length(value) <= 4000),
    free boolean NOT NULL,
    device bytea NOT NULL CONSTRAINT draft_device_length CHECK (octet_length(device) = 32),
    PRIMARY KEY (pseud, wave, item)
);
CREATE TABLE answers.progress (
    pseud bytea NOT NULL,
    wave integer NOT NULL,
    next_item text NOT NULL,
    PRIMARY KEY (pseud, wave)
);
-- Who has submitted and waits to be poured together with others.
CREATE TABLE answers.submitted (
    pseud bytea NOT NULL,
    wave integer NOT NULL,
    PRIMARY KEY (pseud, wave)
);

-- What research may use, in the order of the pseudonyms. Free text stands apart.
CREATE TABLE answers.complete (
    pseud bytea NOT NULL,
    wave integer NOT NULL REFERENCES answers.wave,
    PRIMARY KEY (pseud, wave)
);
CREATE TABLE answers.poured (
    pseud bytea NOT NULL,
    wave integer NOT NULL,
    item text NOT NULL,
    value text,
    PRIMARY KEY (pseud, wave, item)
);
CREATE TABLE answers.poured_text (
    pseud bytea NOT NULL,
    wave integer NOT NULL,
    item text NOT NULL,
    value text,
    PRIMARY KEY (pseud, wave, item)
);
CREATE TABLE answers.score (
    pseud bytea NOT NULL,
    wave integer NOT NULL,
    instrument text NOT NULL,
    scale text NOT NULL,
    rule_version text NOT NULL,
    value double precision,
    PRIMARY KEY (pseud, wave, instrument, scale, rule_version)
);
-- Which sets were scored under which rules; a set without scores is not looked at again and again.
CREATE TABLE answers.scored (
    pseud bytea NOT NULL,
    wave integer NOT NULL REFERENCES answers.wave,
    rule_version text NOT NULL,
    PRIMARY KEY (pseud, wave, rule_version)
);

-- Fingerprints of erased pseudonyms: their links stay useless, and nothing can be written under them again.
CREATE TABLE answers.erased (
    mark bytea PRIMARY KEY CONSTRAINT erased_mark_length CHECK (octet_length(mark) = 32)
);
