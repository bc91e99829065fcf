"""Who withdraws their data has their answers removed on the other side, once, also after an outage."""

import pytest

from participants.services import stop
from surveys.mailing import services, tasks
from surveys.mailing.models import Erasure
from surveys.mailing.vault_client import VaultDown
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def erased(vault):
    return [body["pid"] for verb, body in vault.asked if verb == "erase"]


@pytest.fixture
def leaver(tilburg):
    make.make_consented()
    person = make.make_drawn()[0].persons.get()
    stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    return person


def test_the_answers_of_who_withdrew_are_removed_once(leaver, vault, recorded, as_role):
    with recorded() as verbs, as_role("office_worker"):
        assert [services.erase_withdrawn(trial="tilburg") for _ in range(2)] == [1, 0]
    assert erased(vault) == [leaver.pid]
    assert Erasure.objects.get().day == make.TODAY
    assert verbs == ["person.answers_erased"]


def test_who_stopped_with_questionnaires_only_keeps_what_was_answered(tilburg, vault):
    person = make.make_drawn()[0].persons.get()
    stop(person_id=person.pk, kinds=["stopped_surveys", "stopped_treatment"], day=make.TODAY, by=make.someone())
    assert services.erase_withdrawn(trial="tilburg") == 0
    assert erased(vault) == []


def test_while_the_vault_is_down_the_erasure_waits(leaver, vault, monkeypatch):
    vault.down = True
    with pytest.raises(VaultDown):
        services.erase_withdrawn(trial="tilburg")
    assert not Erasure.objects.exists()
    vault.down = False
    monkeypatch.setattr(tasks.send_due, "delay", lambda: None)
    tasks.nightly()
    assert Erasure.objects.get().person == leaver


def test_one_person_whom_the_vault_refuses_holds_up_no_erasure_and_is_not_named(tilburg, vault, caplog, monkeypatch):
    make.make_consented()
    people = [home.persons.get() for home in make.make_drawn(3)]
    for person in people:
        stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    vault.refused = {people[0].pid}
    assert services.erase_withdrawn(trial="tilburg") == 2
    assert set(Erasure.objects.values_list("person", flat=True)) == {person.pk for person in people[1:]}
    assert "refuses an erasure of tilburg" in caplog.text
    assert people[0].pid not in caplog.text
    vault.refused = set()
    assert services.erase_withdrawn(trial="tilburg") == 1
