"""How a person is reached: entered at sign-up, changed afterwards, and never told in the evidence."""

import pytest

from participants.services import Withdrawn, change_reach, stop
from tests.office import factories as make
from trialmgr.core import audit
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
HOME = {"street": "Korvelseweg 12", "postcode": "5025ja", "city": "Tilburg"}


@pytest.fixture
def person(tilburg):
    return make.make_eligible().persons.get()


@pytest.fixture
def support(tilburg):
    return make.log_in(make.make_user(Role.SUPPORT))


def post(client, person, **over):
    given = {"email": "", "phone": "", "street": "", "postcode": "", "city": "", "language": "nl"} | over
    url = f"/t/tilburg/people/{person.household.code}/{person.pk}/reach/"
    return client.post(url, {f"p{person.pk}-{name}": value for name, value in given.items()})


def test_an_address_is_written_down_and_the_evidence_says_what_changed_and_not_into_what(support, person, recorded):
    with recorded() as verbs:
        assert post(support, person, **HOME, language="en").status_code == 302
        assert post(support, person, **HOME, language="en").status_code == 302
    person.contact.refresh_from_db()
    contact = person.contact
    assert (contact.street, contact.postcode, contact.city) == ("Korvelseweg 12", "5025 JA", "Tilburg")
    assert (contact.email, contact.language) == ("", "en")
    assert verbs == ["person.reach_changed"]
    [event] = audit.newest(audit.Scope(None), limit=1)
    assert "Korvelseweg" not in str(event)


def test_half_an_address_is_asked_for_whole_and_what_was_typed_stays(support, person):
    response = post(support, person, street="Korvelseweg 12")
    assert response.status_code == 422
    assert "Write the whole address" in response.content.decode()
    assert "Korvelseweg 12" in response.content.decode()


@pytest.mark.parametrize("postcode", ["0123 AB", "5025", "B-1000"])
def test_what_is_no_postcode_is_not_stored(support, person, postcode):
    response = post(support, person, **HOME | {"postcode": postcode})
    assert "Write a postcode like 5038 EA." in response.content.decode()
    person.contact.refresh_from_db()
    assert person.contact.street == ""


def test_of_who_withdrew_nothing_is_changed(person):
    stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    reach = dict.fromkeys(("email", "phone", "street", "postcode", "city"), "") | {"language": "nl"}
    with pytest.raises(Withdrawn):
        change_reach(person_id=person.pk, reach=reach, by=make.someone())
