"""The way from sign-up to consent: in order, once, on the words of the protocol."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from participants import services
from participants.models import Check, Consent, Step, StepKind
from tests.office import factories as make
from trialmgr.core.errors import DomainError

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(tilburg):
    return make.make_household().persons.get()


def check(person, **over):
    answers = make.right_answers() | over
    return services.check_eligibility(person_id=person.pk, answers=answers, day=make.TODAY, by=make.someone())


def test_who_answers_as_the_protocol_asks_may_take_part(person, recorded, as_role):
    with recorded() as verbs, as_role("office_web"):
        assert check(person)
    assert person.last_step.kind == StepKind.ELIGIBLE
    assert verbs == ["person.eligible"]


def test_a_wrong_answer_excludes_with_that_question_as_the_reason(person, recorded):
    with recorded() as verbs:
        assert not check(person, full_time_study=True)
    assert (person.last_step.kind, person.last_step.reason) == (StepKind.EXCLUDED, "full_time_study")
    assert verbs == ["person.excluded"]


def test_the_partner_is_not_excluded_by_it(tilburg):
    first, second = make.make_household(members=2).persons.all()
    check(first, full_time_study=True)
    assert check(second)


def test_every_question_must_be_answered(person):
    answers = make.right_answers()
    answers.pop("moving")
    with pytest.raises(DomainError, match="soon move"):
        services.check_eligibility(person_id=person.pk, answers=answers, day=make.TODAY, by=make.someone())
    with pytest.raises(DomainError, match="Answer every question"):
        check(person, unknown=True)
    assert Check.objects.count() == 0


def test_the_checks_are_done_once(person):
    check(person)
    with pytest.raises(DomainError, match="have been done"):
        check(person, full_time_study=True)
    assert person.steps.count() == 2


def test_checks_and_consent_come_on_the_day_of_the_step_before_or_later(person):
    yesterday = make.TODAY - timedelta(days=1)
    with pytest.raises(DomainError, match=r"\(signed up\) was on 5 Mar 2018") as refused:
        services.check_eligibility(person_id=person.pk, answers=make.right_answers(), day=yesterday, by=make.someone())
    assert refused.value.field == "day"
    check(person)
    with pytest.raises(DomainError, match=r"\(eligible\) was on 5 Mar 2018"):
        make.agree(person, day=yesterday)
    assert not person.consents.exists()


def test_who_has_not_signed_up_is_not_checked(tilburg):
    from tests.office.participants.test_signing_up import row, solicit

    solicit([row()])
    invited = Step.objects.get().person
    with pytest.raises(services.NotAllowedYet, match="sign-up"):
        check(invited)


def test_consent_comes_after_the_checks(person):
    with pytest.raises(services.NotAllowedYet, match="checks before"):
        make.agree(person)


def test_consent_is_kept_with_the_version_of_its_words(person, recorded):
    check(person)
    with recorded() as verbs:
        assert make.agree(person)
    assert {consent.version for consent in person.consents.all()} == {"1"}
    assert person.last_step.kind == StepKind.CONSENTED
    assert verbs == ["person.consent_recorded"]


def test_what_is_not_needed_may_be_refused(person):
    check(person)
    purposes = dict.fromkeys(["take_part", "questionnaires", "register_data"], True)
    assert make.agree(person, purposes=purposes | {"statistics_netherlands": False})
    assert person.last_step.kind == StepKind.CONSENTED


def test_without_a_needed_purpose_there_is_no_consent(person):
    check(person)
    refused = dict.fromkeys(["take_part", "questionnaires", "register_data", "statistics_netherlands"], False)
    assert not make.agree(person, purposes=refused)
    assert person.last_step.kind == StepKind.ELIGIBLE
    assert Consent.objects.filter(given=False).count() == 4


@pytest.mark.parametrize("purposes", [{}, {"take_part": True}, {"take_part": True, "something_else": True}])
def test_consent_answers_every_purpose_and_no_other(person, purposes):
    check(person)
    with pytest.raises(DomainError, match="every purpose"):
        make.agree(person, purposes=purposes)


def test_consent_is_recorded_once(person):
    check(person)
    make.agree(person)
    with pytest.raises(DomainError, match="has been recorded"):
        make.agree(person)


def test_nothing_more_is_recorded_of_who_withdrew(person):
    check(person)
    services.stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    with pytest.raises(services.Withdrawn):
        make.agree(person)
    assert not person.consents.exists()


def test_an_exclusion_without_its_reason_is_refused_by_the_database(person):
    with pytest.raises(IntegrityError, match="step_exclusion_has_reason"), transaction.atomic():
        Step.objects.create(
            person=person, kind="excluded", day=date(2018, 3, 5), recorded_at=make.NOW, recorded_by=None
        )
