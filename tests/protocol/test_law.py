"""The rules of the legal regimes: the decree of 2017 (Stb. 2017, 69), outside it, and other law."""

import copy

import pytest

EXEMPTION = {"kind": "exemption", "duties": ["work"], "review_months": [6, 12]}
INTENSIFICATION = {"kind": "intensification", "factor": 2}
DISREGARD = {"kind": "disregard", "percent": 50, "monthly_cap": 199, "max_months": 24}
NONE = {"kind": "none"}


def under_other_law(draft, article_83=True):
    draft.put("legal", {"regime": "other", "basis": {"nl": "Wet", "en": "Act"}, "article_83": article_83})
    return draft


def only(faults, start):
    assert len(faults) == 1, faults
    assert faults[0].startswith(start), faults
    return faults[0]


def test_the_tilburg_arms_obey_the_decree(draft):
    assert draft.faults() == []


def test_the_decree_always_wants_a_control_arm(draft):
    draft.put("arms.3.provisions", [INTENSIFICATION]).put("arms.3.contact.every_weeks", 4)
    faults = draft.faults()
    assert any(fault.startswith("arms: have no control arm") for fault in faults)
    assert any(fault.startswith("analysis.comparator: 'control' is an arm with provisions") for fault in faults)


def test_an_exemption_requires_an_intensification_arm(draft):
    draft.put("arms.1.provisions", [DISREGARD]).put("arms.2.provisions", [DISREGARD])
    only(draft.faults(), "arms.0.provisions: hold an exemption, but no arm has intensification")


def test_exemption_and_intensification_are_never_in_one_arm(draft):
    draft.put("arms.0.provisions", [EXEMPTION, INTENSIFICATION]).put("arms.0.contact", draft.get("arms.1.contact"))
    only(draft.faults(), "arms.0.provisions: hold exemption and intensification together")


def test_a_third_combination_arm_is_one_too_many(draft):
    arm = copy.deepcopy(draft.get("arms.2"))
    arm["code"] = "third"
    draft.data["arms"].append(arm)
    draft.data["rounds"][0]["ratio"]["third"] = 1
    only(draft.faults(), "arms.4.provisions: make combination arm number 3; the 2017 decree allows 2")


def test_a_bonus_beside_one_provision_makes_no_combination(draft):
    draft.put("arms.1.provisions", [INTENSIFICATION, draft.get("arms.0.provisions.2")])
    assert draft.faults() == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("percent", 60, "is 60, more than the 2017 decree (art. 5(1)(c)) allows: write at most 50"),
        ("monthly_cap", 220, "is 220 euro; the 2017 decree (art. 5(1)(c)) sets one: write at most 199"),
        ("monthly_cap", None, "is no ceiling; the 2017 decree (art. 5(1)(c)) sets one: write at most 199"),
        ("max_months", 25, "is 25, more than the 2017 decree (art. 5(1)(c)) allows: write at most 24"),
        ("joint_for_couples", False, "is no, but the 2017 decree (art. 5(1)(c)) counts a couple as one: write yes"),
    ],
)
def test_a_disregard_stays_within_the_decree(draft, key, value, said):
    draft.put(f"arms.0.provisions.1.{key}", value)
    assert draft.faults() == [f"arms.0.provisions.1.{key}: {said}"]


def test_two_years_is_the_most_for_a_municipality(draft):
    assert draft.put("end", "2019-12-31").faults() == []
    fault = only(draft.put("end", "2020-01-01").faults(), "end: is more than 24 months after the start")
    assert fault.endswith("end by 2019-12-31")


def test_the_decree_holds_only_while_it_was_in_force(draft):
    draft.put("start", "2024-01-01").put("end", "2025-12-31").put("embargo.until", "2026-06-01")
    draft.put("rounds.0.opens", "2023-10-01").put("rounds.0.closes", "2024-06-30")
    faults = draft.faults()
    assert [fault.split(",")[0] for fault in faults] == ["start: is 2024-01-01", "end: is 2025-12-31"]


@pytest.mark.parametrize(
    ("start", "end", "months"), [("2018-01-01", "2021-01-01", 36), ("2026-03-01", "2031-03-01", 60)]
)
def test_article_83_sets_three_years_and_later_five(draft, start, end, months):
    under_other_law(draft).put("start", start).put("end", end).put("embargo.until", "2035-01-01")
    draft.put("rounds.0.opens", start).put("rounds.0.closes", start[:4] + "-12-31")
    only(draft.faults(), f"end: is more than {months} months after the start, the most that article 83")


def test_a_basis_outside_article_83_sets_no_length(draft):
    under_other_law(draft, article_83=False).put("end", "2026-01-01").put("embargo.until", "2027-01-01")
    assert draft.faults() == []


def test_another_legal_basis_must_be_named(draft):
    only(draft.put("legal", {"regime": "other"}).faults(), "legal.basis: is missing")


def test_outside_the_decree_there_is_no_disregard(draft):
    faults = draft.put("legal", {"regime": "outside_decree"}).faults()
    assert [fault.split(":")[0] for fault in faults] == ["arms.0.provisions.1.kind", "arms.2.provisions.1.kind"]
    assert "may not use" in faults[0]


def test_outside_the_decree_arms_may_be_as_they_are(draft):
    draft.put("legal", {"regime": "outside_decree"}).put("arms.2.provisions", [EXEMPTION, INTENSIFICATION])
    draft.put("arms.0.provisions", [{"kind": "exemption", "duties": ["work"]}])
    assert draft.faults() == []


@pytest.mark.parametrize("months", [[], [6], [3, 6], [12, 6]])
def test_the_exemption_is_reviewed_at_six_and_twelve_months(draft, months):
    draft.put("arms.0.provisions.0.review_months", months)
    assert only(draft.faults(), "arms.0.provisions.0.review_months: are").endswith("write [6, 12]")


def test_intensification_is_at_least_a_doubling(draft):
    draft.put("arms.1.provisions.0.factor", 1.5)
    only(draft.faults(), "arms.1.provisions.0.factor: is 1.5, but intensification is at least a doubling")


@pytest.mark.parametrize(("weeks", "enough"), [(13, True), (14, False)])
def test_the_contact_norm_of_intensification_is_twice_the_control_arm(draft, weeks, enough):
    draft.put("arms.1.contact.every_weeks", weeks)
    assert (draft.faults() == []) is enough


def test_intensified_contacts_are_in_person(draft):
    draft.put("arms.1.contact.by", "phone")
    only(draft.faults(), "arms.1.contact.by: is not in person")


def test_there_are_at_most_two_premiums_a_year(draft):
    draft.put("arms.0.provisions.2.payments_per_year", 3)
    only(draft.faults(), "arms.0.provisions.2.payments_per_year: is 3; article 31(2)(j)")


def test_the_premium_ceiling_known_for_2026_holds_from_then(draft):
    under_other_law(draft).put("start", "2026-02-01").put("end", "2027-12-31").put("embargo.until", "2028-06-01")
    draft.put("rounds.0.opens", "2025-11-01").put("rounds.0.closes", "2026-12-31")
    assert draft.put("arms.0.provisions.2.yearly_max", 3398).faults() == []
    only(
        draft.put("arms.0.provisions.2.yearly_max", 3398.01).faults(), "arms.0.provisions.2.yearly_max: is 3398.01 euro"
    )


def test_under_the_decree_households_are_drawn_in_writing_and_reported_in_time(draft):
    draft.put("allocation.unit", "person").put("consent.model", "opt_out")
    draft.put("reports", {"every_months": 12, "due_day": 25})
    faults = draft.faults()
    assert [fault.split(":")[0] for fault in faults] == [
        "consent.model",
        "allocation.unit",
        "reports.every_months",
        "reports.due_day",
    ]
