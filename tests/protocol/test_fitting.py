"""A protocol that contradicts itself is refused, at the place of the contradiction."""

import pytest


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        ("end", "2017-01-01", "end: is 2017-01-01, not after the start on 2018-01-01"),
        ("rounds.0.closes", "2017-10-01", "rounds.0.closes: is 2017-10-01, not after it opens on 2017-10-02"),
        ("rounds.0.closes", "2020-02-01", "rounds.0.closes: is 2020-02-01, when the trial is over"),
        ("rounds.0.ratio", {"control": 1, "coach": 1}, "rounds.0.ratio.coach: 'coach' is no arm of this protocol"),
        ("rounds.0.ratio.control", ..., "rounds.0.ratio: has no 'control', so that nobody"),
        ("rounds.0.ratio.coaching", ..., "arms.1: 'coaching' has no share in the ratio of any round"),
        ("arms.1.code", "control", "arms.3.code: is 'control', which another arm has"),
        ("waves.1.code", "baseline", "waves.1.code: is 'baseline', which another wave has"),
        ("eligibility.1.code", "entitled", "eligibility.1.code: is 'entitled', which another check has"),
        ("allocation.method", "complete", "allocation.method: is complete, which needs a closed list"),
        ("allocation.multipliers", [], "allocation.multipliers: are empty"),
        ("allocation.multipliers", [2, 2], "allocation.multipliers: are [2, 2], with one twice"),
        ("allocation.strata.0.levels.1.at_least", 30, "allocation.strata.0.levels.1.at_least: is 30, but the level"),
        ("allocation.strata.0.levels.2.below", 90, "allocation.strata.0.levels.2.below: leaves out 90 and more"),
        ("allocation.strata.0.levels.0.values", ["x"], "allocation.strata.0.levels.0.values: are words"),
        ("allocation.strata.1.levels.0.values", ["couple"], "allocation.strata.1.levels: hold 'single' 0 times"),
        ("allocation.strata.1.levels.0.values", ["alone"], "allocation.strata.1.levels.0.values: 'alone' is no house"),
        ("allocation.strata.1.levels.0.below", 3, "allocation.strata.1.levels.0: is a level of household_type"),
        ("waves.0.counts_from", "draw", "waves.0.counts_from: is draw, but the first wave"),
        ("waves.1.counts_from", "consent", "waves.1.counts_from: is consent, but only the first"),
        ("waves.1.closes_after_days", 300, "waves.1.closes_after_days: is 300, not after it opens on day 365"),
        ("waves.2.opens_after_days", 400, "waves.2.opens_after_days: is 400, when wave mid is open until day 407"),
        ("waves.2.closes_after_days", 681, "waves.2.reminders.0.after_days: is 7, but the wave is open for 1 days"),
        ("waves.0.reminders.1.after_days", 7, "waves.0.reminders.1.after_days: is 7, not after day 7"),
        ("surveys.send_until_hour", 8, "surveys.send_until_hour: is not after send_from_hour"),
        ("surveys.languages", ["en"], "surveys.languages: have no nl"),
        ("waves.0.instruments.0", "sf12", "waves.0.instruments.0: 'sf12' is no instrument of this protocol"),
        ("outcomes.4.measure.wave", "later", "outcomes.4.measure.wave: 'later' is no wave"),
        ("outcomes.4.measure.instrument", "swls", "outcomes.4.measure.instrument: 'swls' is not asked in wave mid"),
        ("analysis.comparator", "nobody", "analysis.comparator: 'nobody' is no arm of this protocol"),
        ("analysis.primary.0", "happiness", "analysis.primary.0: 'happiness' is no outcome of this protocol"),
        ("analysis.primary.0", "exit_12", "analysis.secondary.0: 'exit_12' is primary already"),
        ("analysis.families.1.outcomes", ["exit_24"], "analysis.families.1.outcomes.0: 'exit_24' is in family work"),
        ("analysis.plan.data.control", "coaching", "analysis.plan.data.control: is 'coaching', but the comparator is"),
        ("analysis.plan.data.control", None, "analysis.plan.data.control: is None, but the comparator is 'control'"),
        ("analysis.plan.analyses.2.control", "coaching", "analysis.plan.analyses.2.control: is not the comparator"),
        ("analysis.plan.analyses.1.id", "exit_24", "analysis.plan.analyses.1.id: 'exit_24' is used twice"),
        ("analysis.plan.analyses.0.outcome", "trust", "analysis.primary.0: 'exit_24' is primary, but no analysis"),
        ("analysis.families.0.adjust", "holm", "analysis.families.0: 'work' is not the family of that name"),
        ("analysis.families.0.outcomes", ["exit_12"], "analysis.families.0: 'work' is not the family of that name"),
        ("arms.3.provisions", [{"kind": "none"}] * 2, "arms.3.provisions: hold none beside another provision"),
        ("arms.1.caseload.low", 80, "arms.1.caseload.low: is 80, above high: 75"),
        ("consent.purposes", [], "consent.purposes: "),
        ("embargo.until", "2018-01-01", "embargo.until: is 2018-01-01, when the trial has not begun on 2018-01-01"),
    ],
)
def test_a_contradiction_is_named_where_it_stands(draft, place, value, fault):
    faults = draft.put(place, value).faults()
    assert any(said.startswith(fault) for said in faults), faults


def test_consent_must_ask_for_something(draft):
    for place in range(3):
        draft.put(f"consent.purposes.{place}.required", False)
    assert draft.faults() == ["consent.purposes: are all optional: write required: yes at taking part in the trial"]


def test_a_choice_arm_offers_treatment_arms(draft):
    draft.put("arms.2.provisions", [{"kind": "choice", "options": ["coaching", "self_direction"]}])
    assert draft.faults() == []
    draft.put("arms.2.provisions", [{"kind": "choice", "options": ["control", "elsewhere"]}])
    assert draft.faults() == [
        "arms.2.provisions.0.options.0: 'control' has nothing to choose: name a treatment arm",
        "arms.2.provisions.0.options.1: 'elsewhere' is no arm of this protocol: name a treatment arm",
    ]


def test_trials_of_several_municipalities_have_one_that_leads(draft):
    zeist = {"code": "zeist", "name": {"nl": "Zeist", "en": "Zeist"}, "municipality": "Zeist", "lead": True}
    draft.put("sites", [*draft.get("sites"), zeist])
    assert draft.faults() == [
        "sites: are of several municipalities, of which 2 lead: write lead: yes at one of them",
    ]


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ({"day": "2021-01-01"}, "embargo.interim_looks.0.day: is 2021-01-01, not between the start and"),
        ({"agreed_on": "2019-01-01"}, "embargo.interim_looks.0.agreed_on: is 2019-01-01, not before the look"),
        ({"outcomes": ["joy"]}, "embargo.interim_looks.0.outcomes.0: 'joy' is no outcome of this protocol"),
    ],
)
def test_an_interim_look_is_agreed_beforehand_and_on_known_outcomes(draft, over, fault):
    look = {
        "code": "council",
        "day": "2019-01-01",
        "outcomes": ["exit_12"],
        "agreed_on": "2017-09-01",
        "agreed_with": {"nl": "de raad", "en": "the council"},
    }
    assert draft.put("embargo.interim_looks", [look]).faults() == []
    faults = draft.put("embargo.interim_looks", [look | over]).faults()
    assert len(faults) == 1
    assert faults[0].startswith(fault)


@pytest.mark.parametrize(
    ("place", "value", "remark"),
    [
        ("rounds.0.target", 300, "arms.0: 'self_direction' will have about 75 persons, below the minimum of 100"),
        ("rounds.0.target", 100, "allocation.strata: make 6 strata for 100 persons"),
        ("allocation.multipliers", [2], "allocation.multipliers: give one block size"),
        ("embargo.until", "2019-01-01", "embargo.until: is 2019-01-01, before the trial ends"),
        (
            "embargo.until",
            "2020-05-01",
            "embargo.until: is 2020-05-01, but who is drawn last, on 2018-12-31, may answer",
        ),
        (
            "rounds.0.closes",
            "2018-06-30",
            "waves.2.opens_after_days: is 680: who is drawn last, on 2018-06-30, gets it",
        ),
        ("rounds.0.closes", "2018-06-30", "arms.0.provisions.1.max_months: is 24, which who is drawn last, on 2018-06"),
        ("end", "2019-11-30", "arms.0.provisions.1.max_months: is 24, longer than the trial"),
        ("analysis.plan.analyses.8.outcome", "exit_24", "analysis.secondary.6: 'trust' is in no analysis of the plan"),
        (
            "analysis.plan.analyses.0.se",
            "HC2",
            "analysis.plan.analyses.0.se: is HC2, which leaves the household out: its intervals may be too narrow",
        ),
        ("team.coaches", 5, "team.coaches: are 5 for about 400 coached persons, 80 each, above the caseload band"),
        (
            "arms.1.provisions.0.factor",
            7,
            "arms.1.contact.every_weeks: gives 6.5 times the contacts of control",
        ),
        ("privacy.minimum_cell", 5, "privacy.minimum_cell: is 5, below the usual 10"),
        ("arms.1.texts.nl.earn", "U " * 16 + ".", "arms.1.texts.nl.earn: has a sentence of 16 words"),
        ("arms.1.texts.nl.earn", "Dit is participatie.", "arms.1.texts.nl.earn: uses the hard word 'participatie'"),
    ],
)
def test_what_is_unwise_is_remarked_but_not_refused(draft, place, value, remark):
    draft.put(place, value)
    assert draft.checked().protocol is not None
    assert any(said.startswith(remark) for said in draft.remarks()), draft.remarks()


def test_intensification_only_in_a_combination_is_remarked(draft):
    draft.put("arms.1.provisions", [draft.get("arms.2.provisions.1")])
    assert draft.checked().protocol is not None
    assert any(said.startswith("arms.2.provisions: hold intensification only together") for said in draft.remarks())
