import hmac
import json
import subprocess
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from randomization.lottery import verify
from randomization.lottery.allocate import allocate, sequence
from randomization.lottery.design import Design, canonical, params_hash_of
from randomization.lottery.draw import commit, draw, freeze
from randomization.lottery.stream import Lots, Mac, commitment_of, lines_hash, seed_of
from tests.lottery import vectors

LOTS = Lots(bytes.fromhex(vectors.SEED))


def design() -> Design:
    return Design.from_params(vectors.PARAMS)


def test_the_secret_of_the_example_is_public():
    assert vectors.SECRET.hex() == vectors.SECRET_HEX
    assert commitment_of(vectors.SECRET) == vectors.COMMITMENT


def test_hashes_of_list_and_parameters():
    assert canonical(design().params()) == (
        b'{"arms":["control","coach"],"method":"blocks","multipliers":[1,2],"ratio":[1,1],"version":"VLOT-1"}'
    )
    assert params_hash_of(vectors.PARAMS) == vectors.PARAMS_HASH
    assert freeze(vectors.UNITS, design()).list_hash == vectors.LIST_HASH


def test_seed():
    seed = seed_of(vectors.SECRET, vectors.PARAMS_HASH, vectors.LIST_HASH, vectors.BEACON)
    assert seed.hex() == vectors.SEED


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_the_prepared_key_gives_hmac(key, message):
    assert Mac(key).digest(message) == hmac.digest(key, message, "sha256")


def test_words_of_the_stream():
    stream = LOTS.stream("demo")
    assert [f"{stream.word():016x}" for _ in range(4)] == vectors.DEMO_WORDS


def test_openssl_gives_the_same_words():
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{vectors.SEED}"]
    answer = subprocess.run(command, input=b"VLOT-1|demo|0", capture_output=True, check=True).stdout.decode()
    assert answer.strip().endswith("".join(vectors.DEMO_WORDS))


@pytest.mark.parametrize("n", vectors.BELOW)
def test_fair_numbers(n):
    stream = LOTS.stream(f"n{n}")
    assert [stream.below(n) for _ in range(8)] == vectors.BELOW[n]
    words = verify.words(bytes.fromhex(vectors.SEED), f"n{n}")
    assert [verify.below(words, n) for _ in range(8)] == vectors.BELOW[n]


def test_shuffle():
    assert LOTS.shuffle("shuf", range(10)) == vectors.SHUFFLED
    assert verify.shuffle(bytes.fromhex(vectors.SEED), "shuf", range(10)) == vectors.SHUFFLED


@pytest.mark.parametrize("stratum", vectors.ORDER)
def test_order_of_a_stratum(stratum):
    units = [unit for unit, at in vectors.UNITS if at == stratum]
    assert LOTS.shuffle(f"order|{stratum}", units) == vectors.ORDER[stratum]


@pytest.mark.parametrize("method", vectors.RESULT_HASH)
def test_result_under_the_seed_of_the_example(method):
    arms = allocate(vectors.PARAMS | {"method": method}, vectors.UNITS, bytes.fromhex(vectors.SEED)).arms
    result = [(*row, arm) for row, arm in zip(vectors.UNITS, arms, strict=True)]
    assert {unit for unit, _, arm in result if arm == "control"} == vectors.CONTROL[method]
    assert lines_hash(result) == vectors.RESULT_HASH[method]


def test_the_whole_draw():
    record = draw(commit(freeze(vectors.UNITS, design()), vectors.SECRET), vectors.SECRET, vectors.BEACON)
    assert record.seed == vectors.SEED
    assert record.result_hash == vectors.RESULT_HASH["blocks"]
    verify.check(json.loads(record.to_json()))


def test_a_reversed_list_gives_the_same_bytes():
    records = [
        draw(commit(freeze(units, design()), vectors.SECRET), vectors.SECRET, vectors.BEACON).to_json()
        for units in (vectors.UNITS, vectors.UNITS[::-1])
    ]
    assert records[0] == records[1]


def test_a_stratum_of_blocks_is_a_prefix_of_a_longer_one():
    long = sequence(vectors.PARAMS, "north", 50, LOTS)
    assert all(sequence(vectors.PARAMS, "north", n, LOTS) == long[:n] for n in range(51))


def test_a_shuffle_with_skipped_words_agrees_with_the_verifier(monkeypatch):
    """Words near 2^64 are skipped; they hardly occur, so they are put into the stream here."""
    high = (2**64 - 1).to_bytes(8, "big")
    real = verify.block

    def block(seed, domain, number):
        return high + real(seed, domain, number)[:16] + high

    monkeypatch.setattr(verify, "block", block)
    expected = verify.shuffle(bytes(32), "x", range(9))
    numbered = {f"VLOT-1|x|{number}".encode(): block(bytes(32), "x", number) for number in range(9)}
    monkeypatch.setattr("randomization.lottery.stream.Mac.digest", lambda _, message: numbered[message])
    assert Lots(bytes(32)).shuffle("x", range(9)) == expected
    assert len(list(islice(verify.words(bytes(32), "x"), 8))) == 8
