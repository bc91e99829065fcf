"""The presets are what the sources say about the real trials, and say what the sources do not."""

from datetime import date

import pytest

from trialmgr.protocol.reading import PRESETS, check, load_protocol, preset_names, read_source

# Facts published about the trials: the reports and registers of the cities and universities, and the count of the
# central planning bureau (2022). Kinds of provision per arm, the control arm last.
ARMS = {
    "tilburg": [{"exemption", "disregard", "bonus"}, {"intensification"}, {"intensification", "disregard", "bonus"}],
    "wageningen": [{"disregard"}, {"exemption"}, {"intensification"}],
    "oss": [{"exemption"}, {"intensification"}],
    "groningen": [{"exemption"}, {"disregard"}, {"intensification"}, {"choice"}],
    "utrecht": [{"exemption"}, {"intensification"}, {"disregard"}],
    "nijmegen": [{"disregard"}, {"intensification", "disregard"}],
    "deventer": [{"exemption"}, {"intensification"}, {"disregard"}],
    "template": [{"exemption"}, {"intensification"}, {"disregard"}],
}
PERSONS = {
    "tilburg": 800,
    "wageningen": 410,
    "oss": 300,
    "groningen": 700,
    "utrecht": 710,
    "nijmegen": 304,
    "deventer": 364,
    "template": 800,
}


def test_every_city_has_its_preset():
    assert set(preset_names()) == set(ARMS)


@pytest.fixture(params=sorted(ARMS))
def name(request):
    return request.param


def test_a_preset_is_valid_and_its_dutch_is_plain(name):
    checked = check(read_source(name))
    assert checked.faults == ()
    assert [str(said) for said in checked.remarks if "words" in said.what or "word " in said.what] == []


def test_a_preset_holds_the_arms_of_its_trial(name):
    protocol = load_protocol(name)
    assert [set(arm.kinds) for arm in protocol.arms] == [*ARMS[name], {"none"}]
    assert protocol.control == protocol.arms[-1]


def test_a_preset_hopes_for_the_people_that_came(name):
    protocol = load_protocol(name)
    assert sum(entry.target for entry in protocol.rounds) == PERSONS[name]


def test_a_preset_names_its_gaps_and_is_commented(name):
    assert load_protocol(name).unknown
    lines = (PRESETS / f"{name}.yaml").read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert sum("#" in line for line in lines) >= 15


def test_couples_are_drawn_together_everywhere(name):
    assert load_protocol(name).allocation.unit == "household"


def test_wageningen_is_unequal_rolling_and_has_an_agreed_look():
    protocol = load_protocol("wageningen")
    (entry,) = protocol.rounds
    assert dict(entry.ratio) == {"disregard": 100, "exemption": 50, "coaching": 50, "control": 100}
    assert entry.template == {"disregard": 2, "exemption": 1, "coaching": 1, "control": 2}
    assert (entry.entry, protocol.allocation.method, protocol.start) == ("rolling", "blocks", date(2017, 10, 1))
    assert [(look.day, look.outcomes) for look in protocol.embargo.interim_looks] == [(date(2019, 1, 1), ("exit_12",))]


def test_oss_is_outside_the_decree_without_a_disregard():
    protocol = load_protocol("oss")
    assert protocol.legal.regime == "outside_decree"
    assert protocol.control.code == "standard"
    assert not any("disregard" in arm.kinds for arm in protocol.arms)


def test_groningen_lets_one_arm_choose_from_the_three_treatments():
    protocol = load_protocol("groningen")
    assert protocol.arm("choice").provisions[0].options == ("exemption", "disregard", "coaching")
    assert protocol.round("first").closes == date(2017, 10, 27)
    assert [site.code for site in protocol.sites if site.lead] == ["groningen"]


def test_nijmegen_recruits_twice_and_closes_on_10_march_2018():
    protocol = load_protocol("nijmegen")
    assert [entry.code for entry in protocol.rounds] == ["first", "second"]
    assert protocol.round("second").closes == date(2018, 3, 10)


def test_utrecht_follows_people_for_16_months_and_calls_the_exempted_every_half_year():
    protocol = load_protocol("utrecht")
    assert (protocol.start, protocol.end) == (date(2018, 6, 1), date(2019, 9, 30))
    contact = protocol.arm("zelf_in_actie").contact
    assert (contact.by, contact.per_year) == ("phone", 2)


def test_deventer_warns_that_its_arms_stay_below_the_minimum():
    remarks = check(read_source("deventer")).remarks
    assert len([said for said in remarks if "below the minimum of 100" in said.what]) == 4
    assert load_protocol("deventer").team.coach_called.nl == "werkmakelaar"


def test_tilburg_has_what_its_demonstration_needs():
    protocol = load_protocol("tilburg")
    assert (protocol.team.coaches, len(protocol.waves), len(protocol.arms)) == (6, 3, 4)
    coached = [arm for arm in protocol.arms if arm.caseload.worker == "trial_coach"]
    assert [(arm.caseload.low, arm.caseload.high) for arm in coached] == [(50, 75), (50, 75)]
    bonus = next(given for given in protocol.arm("self_direction").provisions if given.kind == "bonus")
    assert bonus.yearly_max == 2400
    assert protocol.allocation.strata_count == 6
