"""Nothing in the store tells when or in which order people answered (P8, P9)."""

import hashlib

from scipy.stats import spearmanr

from tests.answers_store import Person, Wave, ask, pour

KEPT = ("complete", "poured", "poured_text")


def test_no_column_can_hold_a_time_an_address_or_a_sequence():
    columns = ask(
        "postgres",
        """SELECT table_name::text, column_name::text, udt_name::text, column_default, is_identity
             FROM information_schema.columns WHERE table_schema = 'answers'""",
    )
    assert len(columns) > 30
    allowed = {"bytea", "int4", "int2", "text", "jsonb", "bool", "float8"}
    for table, name, kind, default, identity in columns:
        assert kind in allowed, (table, name, kind)
        assert identity == "NO", (table, name)
        assert default in {None, "false", "0"}, (table, name, default)


def test_the_store_has_no_sequence_and_no_trigger_of_its_own():
    assert (
        ask("postgres", "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'answers'::regnamespace")
        == []
    )
    triggers = """SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
                   WHERE NOT tgisinternal AND relnamespace = 'answers'::regnamespace"""
    assert ask("postgres", triggers) == []


def test_the_cluster_does_not_keep_times_of_transactions():
    assert ask("postgres", "SHOW track_commit_timestamp") == [("off",)]


def test_after_pouring_and_closing_order_and_transactions_tell_nothing():
    """200 people submit one by one, in batches as on real days; afterwards nothing correlates with that order."""
    wave = Wave()
    people = [Person(pseud=hashlib.sha256(b"person %d" % number).digest()) for number in range(200)]
    place = {person.pseud: order for order, person in enumerate(people)}
    for start in range(0, 200, 10):
        for person in people[start : start + 10]:
            wave.save(person, "open", "text", free=True)
        wave.answer_all(people[start : start + 10])
        pour()
    before = [place[bytes(row[0])] for row in wave.rows("complete", "pseud")]
    assert abs(spearmanr(before, range(200)).statistic) > 0.9, (
        "without closing, batches are in order: the test can fail"
    )
    wave.close()
    for table in KEPT:
        rows = ask("postgres", f"SELECT pseud, wave, ctid::text, xmin::text FROM answers.{table} t ORDER BY t.ctid")
        assert len({xmin for *_, xmin in rows}) == 1, table
        assert [row[0] for row in rows] == sorted(row[0] for row in rows), table
        order = [place[bytes(row[0])] for row in rows if row[1] == wave.number]
        assert spearmanr(order, range(len(order))).pvalue > 0.001, table


def test_a_poured_batch_is_one_transaction_in_the_order_of_pseudonyms():
    wave, people = Wave(), [Person() for _ in range(30)]
    wave.answer_all(people)
    pour()
    rows = wave.rows("complete", "pseud, xmin::text")
    assert [row[0] for row in rows] == sorted(person.pseud for person in people)
    assert len({row[1] for row in rows}) == 1


def test_answers_in_the_making_lose_their_order_when_others_are_poured():
    wave, unfinished = Wave(), [Person() for _ in range(12)]
    for person in unfinished:
        wave.save(person, "q1", "1")
    wave.answer_all([Person() for _ in range(5)])
    pour()
    rows = wave.rows("draft", "pseud, xmin::text")
    assert [row[0] for row in rows] == sorted(person.pseud for person in unfinished)
    assert len({row[1] for row in rows}) == 1
