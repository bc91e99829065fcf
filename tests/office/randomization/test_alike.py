"""How alike the groups of a draw are, on what the municipality knew before it."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from participants.models import Contact, Household
from randomization.balance import _band, compared
from randomization.models import Draw, TraitCount
from tests.office import factories as make
from trialmgr.core.models import Role
from trialmgr.protocol.selectors import current_protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(db):
    """Forty households of two sites: thirty of one person in Tilburg, ten couples in Goirle."""
    make.make_trial("tilburg", make.TWO_SITES)
    make.make_all_ready(30, site="tilburg")
    make.make_all_ready(10, site="goirle", members=2)
    return make.make_draw()


def summed(trait):
    """Households or persons of each level over all groups together."""
    counted = {}
    for one in TraitCount.objects.filter(trait=trait):
        counted[one.level] = counted.get(one.level, 0) + one.n
    return counted


def test_it_counts_every_household_and_person_once(drawn):
    assert summed("site") == {"tilburg": 30, "goirle": 10}
    assert summed("household_type") == {"single": 30, "couple": 10}
    assert summed("benefit_months") == {"24": 40}  # since March 2014: 48 months
    assert summed("age") == {"35": 50}  # born in May 1980: 37 years


def test_the_day_that_counts_is_that_of_the_list(db):
    make.make_trial()
    home = make.make_ready()
    Household.objects.filter(pk=home.pk).update(benefit_since=date(2017, 3, 5))  # a year on the day of the draw
    Contact.objects.update(born_on=date(1991, 3, 5))  # 27 on that day
    make.make_draw()
    assert (summed("benefit_months"), summed("age")) == ({"0": 1}, {"0": 1})


@pytest.mark.parametrize(("value", "band"), [(-1, "0"), (0, "0"), (11, "0"), (12, "12"), (59, "24"), (700, "60")])
def test_bands_begin_at_their_first_value(value, band):
    assert _band(value, (0, 12, 24, 60)) == band


def test_the_groups_stand_side_by_side_and_what_is_all_the_same_is_left_out(drawn):
    found = compared(drawn, current_protocol("tilburg"), "en")
    assert [one.name for one in found] == ["Site", "Household type"]
    assert [name for name, _cells in found[0].levels] == ["Goirle", "Tilburg"]
    shown = [cells for _name, cells in found[0].levels]
    for place in range(len(current_protocol("tilburg").arms)):
        parts = [row[place].percent for row in shown]
        assert None in parts or sum(parts) == pytest.approx(100)


def test_staff_see_it_with_the_draw_and_the_public_does_not(drawn):
    shown = make.log_in(make.make_user(Role.STATISTICIAN)).get("/t/tilburg/draws/1/").content.decode()
    assert "How alike the groups are" in shown
    assert "<caption>Household type</caption>" in shown
    assert "How alike the groups are" not in make.visitor().get("/lots/tilburg/1/").content.decode()


def test_what_was_counted_is_never_changed(drawn):
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE randomization_traitcount SET n = n + 1")
    assert Draw.objects.get().status == "drawn"
