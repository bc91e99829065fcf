"""A draw that was held after the backup is entered again: the groups that people know, and no others."""

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from participants.models import Household, Step
from randomization import selectors, services
from randomization.models import Allocation, Draw, Status
from tests.office import factories as make
from trialmgr.core import anchors, audit
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def homes(tilburg):
    """Six households; the first has been on benefit for two years on the day of the draw."""
    made = [make.make_ready(members=1 + number % 2) for number in range(6)]
    Household.objects.filter(pk=made[0].pk).update(benefit_since=date(2016, 3, 5))
    return made


@pytest.fixture
def record(homes, tmp_path):
    """The public record of a draw that is undone, as by a restore, and the groups it gave."""
    with transaction.atomic():
        draw = make.make_draw()
        known = selectors.arms_of([home.pk for home in homes])
        transaction.set_rollback(True)
    assert not Draw.objects.exists()
    path = tmp_path / "record.json"
    path.write_text(draw.record, "utf-8")
    return path, known


@pytest.fixture
def set_back(record, settings, tmp_path):
    settings.ANCHOR_FILE = str(tmp_path / "ahead")
    newest, _hash = audit.head() or (0, "")
    Path(settings.ANCHOR_FILE).write_text(f"{newest + 9} {'ab' * 32}\n", "ascii")


@pytest.fixture
def vouching(tilburg):
    return [make.make_user(Role.STATISTICIAN).email, make.make_user(Role.LEADER).email]


@pytest.fixture
def readmit(record, vouching, as_role):
    """The command, under the login that it has in production: exit code and what it said."""

    def run(path=record[0], *, first=vouching[0], second=vouching[1], round_code="first", listed_on="2018-03-04"):
        days = ["--listed-on", listed_on, "--event-on", "2018-03-05", "--day", "2018-03-05"]
        words = ["--round", round_code, *days, "--reason", "the notary's copy"]
        out, err = StringIO(), StringIO()
        with as_role("office_worker"):
            try:
                who = ["--first", first, "--second", second]
                call_command("readmit_draw", "tilburg", str(path), *words, *who, stdout=out, stderr=err)
            except SystemExit as end:
                return end.code, err.getvalue().strip()
        return 0, out.getvalue().strip()

    return run


def test_everybody_is_in_the_group_that_was_told(homes, record, set_back, readmit, recorded):
    _, known = record
    with recorded() as verbs:
        assert readmit() == (0, "draw 1 of tilburg: 6 households are in their groups again")
    assert verbs == ["draw.readmitted"]
    assert selectors.arms_of([home.pk for home in homes]) == known
    draw = Draw.objects.get()
    assert (draw.status, draw.drawn_at.date().isoformat()) == (Status.DRAWN, "2018-03-05")
    assert draw.record == record[0].read_text("utf-8")
    assert sum(size[1] for size in selectors.arm_sizes("tilburg").values()) == 9
    assert Step.objects.filter(kind="randomised").count() == 9


def test_a_household_stands_in_the_stratum_of_the_day_on_which_the_list_was_closed(homes, set_back, readmit):
    """One was two years on benefit on the day of the draw, and not yet on the day before."""
    code, said = readmit(listed_on="2018-03-05")
    assert (code, said.count(" in the record: mend what differs")) == (2, 1)
    assert said.startswith(f"{homes[0].code}: is in first, medium/")
    assert readmit()[0] == 0
    draw = Draw.objects.get()
    assert draw.event_on.isoformat() == "2018-03-05"
    assert draw.committed_at.date().isoformat() == "2018-03-04"


def test_the_days_of_a_draw_stand_in_order(set_back, readmit):
    line = "days: are not in order: the list is closed before the event, and the lots are drawn after it"
    code, said = readmit(listed_on="2018-03-06")
    assert (code, said.splitlines()[0]) == (2, line)


def test_the_next_draw_follows_the_one_that_was_entered_again(record, set_back, readmit):
    readmit()
    make.make_ready()
    with pytest.raises(services.DrawNotReady, match="restored from a backup"):
        make.make_draw()
    anchors.begin_anew(reason="the only draw since the backup was entered again")
    draw = make.make_draw()
    assert json.loads(draw.record)["params"]["after"] == json.loads(record[0].read_text("utf-8"))["result_hash"]
    assert draw.number == 2


def test_an_office_that_forgot_nothing_takes_no_draw(readmit):
    line = "office: lacks no anchored event: nothing was forgotten: draw as always"
    assert readmit() == (2, line)
    assert not Allocation.objects.exists()


def test_two_persons_who_may_confirm_a_draw_vouch_for_it(set_back, readmit, vouching):
    coach = make.make_user(Role.COACH).email
    assert readmit(first=vouching[1]) == (2, "witnesses: are one person: two persons vouch for a draw")
    line = f"{coach}: may not vouch for a draw: a leader or statistician of the trial does"
    assert readmit(second=coach) == (2, line)
    assert readmit(second="nobody@stad.example")[1].startswith("nobody@stad.example: has no account here")
    assert not Draw.objects.exists()


def test_a_record_that_does_not_prove_itself_is_refused(record, set_back, readmit, tmp_path):
    whole = json.loads(record[0].read_text("utf-8"))
    unit, stratum, arm = whole["result"][0]
    other = next(name for name in whole["params"]["arms"] if name != arm)
    changed, undrawn = tmp_path / "changed.json", tmp_path / "undrawn.json"
    changed.write_text(json.dumps(whole | {"result": [[unit, stratum, other], *whole["result"][1:]]}), "utf-8")
    published = ("version", "params", "params_hash", "units", "list_hash", "commitment", "event")
    undrawn.write_text(json.dumps({key: whole[key] for key in published}), "utf-8")
    for path, said in ((changed, "the draw gives"), (undrawn, "is not drawn yet"), (tmp_path, "cannot be read")):
        code, line = readmit(path)
        assert (code, said in line) == (2, True), line
    assert not Draw.objects.exists()


def test_every_household_must_be_here_as_it_was(homes, set_back, readmit):
    stranger, moved = homes[0], homes[2]
    Household.objects.filter(pk=stranger.pk).update(code="H-0001")
    Household.objects.filter(pk=moved.pk).update(household_type="couple")
    code, said = readmit()
    assert code == 2
    lines = said.splitlines()
    assert f"{stranger.code}: is not here, or nobody of it consented: enter it again first" in lines
    assert [line.endswith(" in the record: mend what differs") for line in lines if moved.code in line] == [True]
    assert len(lines) == 2
    assert not Draw.objects.exists()


def test_a_draw_is_entered_again_once(set_back, readmit):
    readmit()
    code, said = readmit()
    assert (code, Draw.objects.count()) == (2, 1)
    assert said.splitlines()[0].startswith("record: does not follow the last draw of this office")
    assert said.count("was drawn already") == 6
