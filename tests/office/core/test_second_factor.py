"""The secrets of second factors are of no use to who copies the database."""

import io

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.utils import decrypt
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from tests.office import factories as make
from tests.office.core.test_security_events import code_of
from tests.office.core.test_sessions import PEOPLE, log_in_by_form
from trialmgr.core import second_factor
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
FIRST, SECOND = "1" * 32, "2" * 40


@pytest.fixture(autouse=True)
def own_key(settings):
    settings.SECOND_FACTOR_KEYS = [FIRST]


@pytest.fixture
def leader(own_key, tilburg):
    user = make.make_user(Role.LEADER)
    RecoveryCodes.activate(user)
    return user


def comes_in(user, code):
    client = make.visitor()
    log_in_by_form(client, user)
    client.post("/account/2fa/authenticate/", {"code": code})
    return client.get(PEOPLE).status_code == 200


def kept(user):
    return [str(data) for data in Authenticator.objects.filter(user=user).values_list("data", flat=True)]


def encrypt_all(as_role):
    out = io.StringIO()
    with as_role("office_web"):
        call_command("encrypt_second_factors", stdout=out)
    return out.getvalue().strip()


def recovery_codes(user):
    return Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()


def test_neither_the_secret_of_the_codes_nor_that_of_recovery_codes_stands_in_the_database(leader):
    rows = Authenticator.objects.filter(user=leader)
    secrets = [decrypt(one.data.get("secret") or one.data["seed"]) for one in rows]
    assert len(secrets) == 2
    assert not [secret for secret in secrets for text in kept(leader) if secret in text]
    assert comes_in(leader, code_of(leader))
    assert comes_in(leader, recovery_codes(leader)[3])


def test_a_new_key_goes_before_the_old_one_which_may_go_when_all_were_encrypted_anew(leader, settings, as_role):
    codes = recovery_codes(leader)
    settings.SECOND_FACTOR_KEYS = [SECOND, FIRST]
    assert comes_in(leader, codes[0])
    assert encrypt_all(as_role) == "encrypted with the first key: 3"
    settings.SECOND_FACTOR_KEYS = [SECOND]
    assert comes_in(leader, codes[1])
    assert not comes_in(leader, codes[0]), "it was used"


def test_secrets_of_before_they_were_encrypted_work_and_are_encrypted_by_the_command(leader, as_role):
    for one in Authenticator.objects.filter(user=leader):
        one.data = {
            name: decrypt(value) if name in second_factor.SECRETS else value for name, value in one.data.items()
        }
        one.save()
    codes = recovery_codes(leader)
    assert comes_in(leader, codes[0])
    encrypt_all(as_role)
    assert all(second_factor.SEALED in text for text in kept(leader))
    assert comes_in(leader, codes[1])


def test_without_its_key_a_code_is_wrong_and_the_log_says_why(leader, settings, caplog):
    code = code_of(leader)
    settings.SECOND_FACTOR_KEYS = [SECOND]
    assert not comes_in(leader, code)
    assert "TRIALMGR_SECOND_FACTOR_KEYS lacks its key" in caplog.text


def test_one_that_no_key_opens_does_not_keep_the_others_as_they_were(leader, settings, as_role):
    settings.SECOND_FACTOR_KEYS = [SECOND]
    other = make.make_user(Role.COACH)
    before = kept(other)
    with pytest.raises(SystemExit):
        encrypt_all(as_role)
    assert kept(other) != before


@pytest.mark.parametrize("keys", [[], ["short"], [FIRST, "short"]])
def test_a_side_does_not_start_with_a_key_that_could_be_guessed(settings, keys):
    settings.SECOND_FACTOR_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="32 random characters"):
        second_factor.keyring()
