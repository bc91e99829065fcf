"""Links and pseudonyms, checked against standards where one exists and against an attacker where none does."""

import hashlib
import hmac
from datetime import date

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.sealing import (
    BadKey,
    BadLink,
    Keyring,
    Seat,
    encode,
    open_box,
    open_link,
    pseudonym,
    seal,
    seal_box,
)

OLD, NEW = "11" * 32, "22" * 32
PID = "0123456789abcdef0123456789abcdef"
SEAT = Seat(bytes(range(32)), 3, date(2028, 2, 29))


def test_the_library_computes_aes_gcm_siv_as_rfc_8452_does():
    """RFC 8452, appendix C.2: AEAD_AES_256_GCM_SIV, plaintext 0100000000000000, no associated data."""
    key, nonce = bytes.fromhex("01" + "00" * 31), bytes.fromhex("03" + "00" * 11)
    sealed = AESGCMSIV(key).encrypt(nonce, bytes.fromhex("0100000000000000"), b"")
    assert sealed.hex() == "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"


def test_a_pseudonym_is_the_published_hmac_of_study_and_person():
    expected = hmac.new(bytes.fromhex(OLD), b"pseud|v1|tilburg|" + PID.encode(), hashlib.sha256).digest()
    assert pseudonym(Keyring.parse(OLD), "tilburg", PID) == expected


def test_a_pseudonym_differs_per_study_person_and_key_and_survives_a_new_key_version():
    first = pseudonym(Keyring.parse(OLD), "tilburg", PID)
    others = {
        pseudonym(Keyring.parse(OLD), "oss", PID),
        pseudonym(Keyring.parse(OLD), "tilburg", PID[::-1]),
        pseudonym(Keyring.parse(NEW), "tilburg", PID),
    }
    assert first not in others
    assert len(others) == 3
    assert pseudonym(Keyring.parse(f"1:{OLD},2:{NEW}"), "tilburg", PID) == first


@pytest.mark.parametrize("pid", ["", "x" * 32, PID.upper(), PID + "0", "tilburg|" + PID[8:]])
def test_anything_but_a_person_id_is_refused(pid):
    with pytest.raises(ValueError, match="person id"):
        pseudonym(Keyring.parse(OLD), "tilburg", pid)


@pytest.mark.parametrize("study", ["", "a|b"])
def test_a_study_code_cannot_blur_the_border_between_study_and_person(study):
    with pytest.raises(ValueError, match="study code"):
        pseudonym(Keyring.parse(OLD), study, PID)


@given(
    mark=st.binary(min_size=32, max_size=32),
    wave=st.integers(0, 65535),
    last_day=st.dates(date(2000, 1, 1), date(2179, 6, 6)),
)
@settings(derandomize=True)
def test_a_link_opens_to_what_was_sealed_and_has_87_plain_characters(mark, wave, last_day):
    keys = Keyring.parse(OLD)
    link = seal(keys, Seat(mark, wave, last_day))
    assert len(link) == 87
    assert link.replace("-", "").replace("_", "").isalnum()
    assert open_link(keys, link) == Seat(mark, wave, last_day)


def test_two_links_of_one_person_have_nothing_in_common():
    keys = Keyring.parse(OLD)
    links = [seal(keys, SEAT) for _ in range(200)]
    assert len(set(links)) == 200
    # Past the version byte, two unrelated strings over 64 characters agree on about 85/64 places.
    agreeing = [sum(a == b for a, b in zip(links[0][2:], other[2:], strict=True)) for other in links[1:]]
    assert max(agreeing) < 12


def test_a_link_holds_neither_pseudonym_nor_key_in_the_open():
    keys = Keyring.parse(OLD)
    mark = pseudonym(keys, "tilburg", PID)
    link = seal(keys, Seat(mark, 1, date(2027, 1, 1)))
    assert encode(mark) not in link
    assert mark.hex() not in link


def test_ten_thousand_changed_links_open_none():
    keys = Keyring.parse(OLD)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    refused = 0
    for _ in range(2):
        link = seal(keys, SEAT)
        for place in range(len(link)):
            for other in alphabet:
                if other != link[place]:
                    with pytest.raises(BadLink):
                        open_link(keys, link[:place] + other + link[place + 1 :])
                    refused += 1
    assert refused == 2 * 87 * 63


@pytest.mark.parametrize("text", ["", "A" * 86, "A" * 88, "A" * 86 + "=", "A" * 86 + "/", "é" * 87, "A" * 86 + "\n"])
def test_text_that_is_no_link_is_refused_before_any_work(text):
    with pytest.raises(BadLink):
        open_link(Keyring.parse(OLD), text)


def test_after_a_key_change_old_links_still_open_and_new_ones_use_the_new_key():
    old = seal(Keyring.parse(OLD), SEAT)
    both = Keyring.parse(f"1:{OLD},2:{NEW}")
    new = seal(both, SEAT)
    assert open_link(both, old) == open_link(both, new) == SEAT
    assert open_link(Keyring.parse(f"2:{NEW}"), new) == SEAT
    with pytest.raises(BadLink):
        open_link(Keyring.parse(f"2:{NEW}"), old)


def test_a_box_opens_only_for_its_purpose_and_unchanged():
    key = Keyring.parse(OLD).derive("workspace")
    box = seal_box(key, b"rows", "run 1")
    assert open_box(key, box, "run 1") == b"rows"
    for key_tried, box_tried, purpose in [
        (key, box, "run 2"),
        (key, box[:-1] + bytes([box[-1] ^ 1]), "run 1"),
        (key, box[:5], "run 1"),
        (Keyring.parse(OLD).derive("cookie"), box, "run 1"),
    ]:
        with pytest.raises(BadLink):
            open_box(key_tried, box_tried, purpose)


@pytest.mark.parametrize(
    "text", ["", "short", "0:" + OLD, "256:" + OLD, "one:" + OLD, f"1:{OLD},1:{NEW}", OLD[:-1] + "g"]
)
def test_a_bad_key_is_refused_without_repeating_it(text):
    with pytest.raises(BadKey) as caught:
        Keyring.parse(text)
    assert not text or text not in str(caught.value)


def test_keys_read_alike_from_hexadecimal_and_base64url():
    assert Keyring.parse(encode(bytes.fromhex(OLD))) == Keyring.parse(OLD) == Keyring.parse(f" 1:{OLD} ")


def test_neither_keys_nor_pseudonyms_show_when_printed():
    printed = repr(Keyring.parse(OLD)) + repr(SEAT)
    assert OLD not in printed
    assert SEAT.pseudonym.hex() not in printed
    assert repr(SEAT.pseudonym) not in printed
