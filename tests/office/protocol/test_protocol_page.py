"""The protocol as a page: what the trial is and how it was amended, in both languages."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from tests.office import factories as make
from trialmgr.core.models import Role
from trialmgr.protocol.models import ProtocolVersion, Trial
from trialmgr.protocol.reading import PRESETS, canonical, load_protocol, sha256
from trialmgr.protocol.selectors import current_protocol

PAGE = "/t/tilburg/protocol/"


@pytest.mark.parametrize("code", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_every_preset_is_a_page_in_both_languages(code):
    protocol = load_protocol(code)
    version = ProtocolVersion(number=1, created_at=make.NOW, sha256=sha256(protocol))
    for language in ("nl", "en"):
        with translation.override(language):
            shown = render_to_string("protocol/protocol.html", {"protocol": protocol, "version": version})
        assert "<h1>" in shown
        assert all(arm.texts.texts(language).stop.split()[0] in shown for arm in protocol.arms)
        assert "%(" not in shown


@pytest.fixture
def shown(tilburg):
    """The text of the page, as somebody with a role sees it."""

    def look(role=Role.STATISTICIAN):
        return " ".join(make.log_in(make.make_user(role)).get(PAGE).content.decode().split())

    return look


@pytest.mark.django_db
def test_the_page_tells_groups_rounds_and_embargo(shown):
    page = shown()
    for piece in (
        "Tilburg trust experiment",
        "No duty of: looking for work, reintegration. Effort is reviewed in month: 6, 12.",
        "Keeps 50% of earnings. At most 199 euro a month. For a couple together. For at most 24 months.",
        "A bonus of at most 2,400 euro a year, in 2 payments.",
        "Once every 4 weeks, face to face. The first time within 2 weeks.",
        "Drawn as people come in.",
        "Lots are drawn by household, in blocks of which the order is drawn.",
        "less than 2 years; 2 to 5 years; 5 years or more",
        "Counts under 10 are not shown.",
    ):
        assert piece in page


@pytest.mark.django_db
def test_an_amendment_stands_with_its_day_its_reason_and_what_it_changed(shown):
    first = current_protocol("tilburg")
    later = first.rounds[0].model_copy(update={"target": 900})
    changed = first.model_copy(update={"rounds": (later,)})
    trial = Trial.objects.get()
    facts = {"document": canonical(changed), "sha256": sha256(changed), "created_by": make.make_user()}
    trial.versions.create(
        number=2,
        created_at=make.NOW + timedelta(days=3),
        reason="Recruitment goes on longer",
        after_first_draw=True,
        amends=trial.versions.get(),
        **facts,
    )
    page = shown()
    for piece in ("Recruitment goes on longer", "after the first draw", '<td class="code">rounds</td>', "8 Mar 2018"):
        assert piece in page
    assert "Persons hoped for: 900." in page


@pytest.mark.django_db
def test_the_page_takes_the_same_queries_for_one_version_and_for_three(tilburg, page_queries):
    client = make.log_in(make.make_user(Role.AUDITOR))
    one = page_queries(client, PAGE)
    trial = Trial.objects.get()
    for number in (2, 3):
        changed = current_protocol("tilburg").model_copy(update={"unknown": (f"fact {number}",)})
        trial.versions.create(
            number=number,
            document=canonical(changed),
            sha256=sha256(changed),
            created_at=make.NOW,
            created_by=make.make_user(),
            amends=trial.versions.order_by("number").last(),
        )
    assert page_queries(client, PAGE) == one
