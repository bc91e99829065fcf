"""Encrypted backups: who can open them, and that no change of them goes by unseen."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from trialmgr import __version__
from trialmgr.core import age

PAIR = age.new_identity()
PRIVATE, PUBLIC = str(PAIR), str(PAIR.to_public())
SHORT = b"Wie wat antwoordde, weet niemand.\n"
CHUNK = 65536
MISTYPED = (PRIVATE[:-1] + "B", PRIVATE[:20] + "B" + PRIVATE[21:], PRIVATE[:-1], PRIVATE + "Q", PRIVATE[:5].lower())


def opened(content, identity=PAIR):
    target = io.BytesIO()
    age.decrypt(io.BytesIO(content), target, identity)
    return target.getvalue()


def closed(content, *recipients):
    target = io.BytesIO()
    age.encrypt(io.BytesIO(content), target, recipients or [PAIR.to_public()])
    return target.getvalue()


@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1])
def test_what_is_encrypted_opens_for_each_who_may_and_for_nobody_else(length):
    one, two, third = age.new_identity(), age.new_identity(), age.new_identity()
    content = bytes(place % 251 for place in range(length))
    file = closed(content, one.to_public(), age.recipient_of(str(two.to_public())))
    assert opened(file, one) == opened(file, age.identity_of(str(two))) == content
    with pytest.raises(age.NotOpened, match="was not made for this key"):
        opened(file, third)


def test_every_changed_byte_is_noticed():
    whole = closed(SHORT)
    for place in range(len(whole)):
        with pytest.raises(age.NotOpened):
            opened(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])


@pytest.mark.parametrize("content", [b"", SHORT, bytes(CHUNK + 1)])
def test_a_file_that_was_cut_short_or_added_to_is_noticed(content):
    whole = closed(content)
    for part in [whole[:-1], whole[: len(whole) // 2], whole[:40], b"", whole + b"\0", whole + bytes(17)]:
        with pytest.raises(age.NotOpened):
            opened(part)


def test_a_target_that_fails_is_told_apart_from_a_damaged_file():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        age.decrypt(io.BytesIO(closed(SHORT)), Full(), PAIR)


@pytest.mark.parametrize("text", [*MISTYPED, "", PUBLIC])
def test_a_mistyped_key_is_refused(text):
    with pytest.raises(age.NotAKey):
        age.identity_of(text)


def test_a_new_key_is_in_a_file_of_its_owner_only_and_never_replaces_one(tmp_path, capsys):
    path = tmp_path / "steward.key"
    call_command("backup_key", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(age.identity_of(path.read_text("ascii").strip()).to_public()) == capsys.readouterr().out.strip()
    before = path.read_text("ascii")
    with pytest.raises(SystemExit) as end:
        call_command("backup_key", str(path))
    assert end.value.code == 2
    assert path.read_text("ascii") == before
    assert capsys.readouterr().err == f"{path}: cannot be made (File exists): name a new file\n"


def test_the_version_in_a_manifest_is_that_of_the_package():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{__version__}"' in project
