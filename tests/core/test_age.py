"""The format of encrypted backups, against files that another implementation wrote (age/make.py)."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from trialmgr import __version__
from trialmgr.core.age import CHUNK, Identity, NotAKey, NotOpened, Recipient, decrypt, encrypt

HERE = Path(__file__).parent / "age"
PRIVATE, PUBLIC = (HERE / "key.txt").read_text("ascii").split()
SHORT = b"Wie wat antwoordde, weet niemand.\n"
MISTYPED = (PRIVATE[:-1] + "Q", PRIVATE[:20] + "2" + PRIVATE[21:], PRIVATE[:-1], PRIVATE + "Q", PRIVATE[:5].lower())


def opened(content, identity=None):
    return b"".join(decrypt(io.BytesIO(content), identity or Identity.parse(PRIVATE)))


def closed(content, *recipients):
    target = io.BytesIO()
    encrypt(io.BytesIO(content), target, recipients)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content"), [("empty", b""), ("short", SHORT), ("two-chunks", bytes(range(256)) * 256 + b"!")]
)
def test_a_file_of_another_program_opens(name, content):
    assert opened((HERE / f"{name}.age").read_bytes()) == content


def test_a_private_key_has_the_public_key_that_the_other_program_names():
    assert str(Identity.parse(PRIVATE).recipient) == PUBLIC
    assert Identity.parse(PRIVATE).to_text() == PRIVATE
    assert str(Recipient.parse(PUBLIC)) == PUBLIC


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
def test_what_is_encrypted_opens_for_each_who_may_and_for_nobody_else(length):
    one, two, third = Identity.new(), Identity.new(), Identity.new()
    content = bytes(place % 251 for place in range(length))
    file = closed(content, one.recipient, two.recipient)
    assert opened(file, one) == opened(file, two) == content
    with pytest.raises(NotOpened, match="was not made for this key"):
        opened(file, third)


def test_every_changed_byte_is_noticed():
    whole = (HERE / "short.age").read_bytes()
    for place in range(len(whole)):
        with pytest.raises(NotOpened):
            opened(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])


@pytest.mark.parametrize("name", ["empty", "short", "two-chunks"])
def test_a_file_that_was_cut_short_or_added_to_is_noticed(name):
    whole = (HERE / f"{name}.age").read_bytes()
    ends = {*range(0, min(len(whole), 500), 3), *range(max(0, len(whole) - 40), len(whole))}
    for part in [whole[:end] for end in sorted(ends)] + [whole + b"\0", whole + bytes(17)]:
        with pytest.raises(NotOpened):
            opened(part)


def test_chunks_cannot_change_places():
    me = Identity.new()
    whole = closed(b"a" * CHUNK + b"b" * CHUNK + b"c", me.recipient)
    begin, size = len(whole) - 17 - 2 * (CHUNK + 16), CHUNK + 16
    first, second = whole[begin : begin + size], whole[begin + size : begin + 2 * size]
    with pytest.raises(NotOpened, match="damaged"):
        opened(whole[:begin] + second + first + whole[begin + 2 * size :], me)


def test_two_files_of_the_same_have_nothing_in_common():
    me = Identity.new()
    assert closed(SHORT, me.recipient)[-60:] != closed(SHORT, me.recipient)[-60:]


@pytest.mark.parametrize("text", [*MISTYPED, "", PUBLIC])
def test_a_mistyped_key_is_refused(text):
    with pytest.raises(NotAKey):
        Identity.parse(text)


def test_a_new_key_is_in_a_file_of_its_owner_only_and_never_replaces_one(tmp_path, capsys):
    path = tmp_path / "steward.key"
    call_command("backup_key", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(Identity.parse(path.read_text("ascii")).recipient) == capsys.readouterr().out.strip()
    before = path.read_text("ascii")
    with pytest.raises(SystemExit) as end:
        call_command("backup_key", str(path))
    assert end.value.code == 2
    assert path.read_text("ascii") == before
    assert capsys.readouterr().err == f"{path}: cannot be made (File exists): name a new file\n"


def test_the_version_in_a_manifest_is_that_of_the_package():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{__version__}"' in project
