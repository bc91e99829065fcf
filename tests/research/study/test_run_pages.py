"""The pages of the research side."""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.study.models import Run
from trialmgr.core import clock

pytestmark = pytest.mark.django_db
RUNS = "/t/tilburg/runs/"


def page(response):
    return response.content.decode()


def test_a_run_is_asked_for_approved_and_released_by_hand(researcher, principal, steward, log_in):
    asked = log_in(researcher).post(RUNS, {"purpose": "Interim report"})
    url = asked["Location"]
    assert "Interim report" in page(log_in(researcher).get(RUNS))
    for user in (principal, steward):
        assert log_in(user).post(f"{url}approve/").status_code == 302
    assert Run.objects.get().status == "approved"
    assert "does not wait for approval" in page(log_in(principal).post(f"{url}approve/", follow=True))


def test_the_seal_is_explained_and_nothing_of_the_result_is_on_the_page(done, principal, steward, log_in):
    url = f"{RUNS}{done.code}/"
    shown = page(log_in(principal).get(url))
    assert "The result is sealed" in shown
    assert "made-up" not in shown
    assert log_in(principal).post(f"{url}release/", {"ground": ""}).status_code == 422
    log_in(principal).post(f"{url}release/", {"ground": "Steering group"})
    assert "somebody else confirms" in page(log_in(principal).post(f"{url}release/", follow=True))
    log_in(steward).post(f"{url}release/")
    assert "made-up 1.0" in page(log_in(steward).get(url))


def test_a_steward_cannot_ask_for_a_run(steward, log_in):
    response = log_in(steward).post(RUNS, {"purpose": "x"})
    assert response.status_code == 403
    assert "You have no access to this page" in page(response)
    assert not Run.objects.exists()


def test_a_purpose_is_required_and_a_script_in_it_is_inert(researcher, log_in):
    client = log_in(researcher)
    assert client.post(RUNS, {"purpose": ""}).status_code == 422
    client.post(RUNS, {"purpose": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in page(client.get(RUNS))


def test_a_swapped_result_is_told_and_not_shown(done, researcher, log_in):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE study_result SET document = replace(document, '1.0', '2.0')")
        cursor.execute("SET session_replication_role = DEFAULT")
    with clock.at(datetime(2020, 6, 1, tzinfo=UTC)):
        shown = page(log_in(researcher).get(f"{RUNS}{done.code}/"))
    assert "differs from its digest" in shown
    assert "made-up" not in shown


def test_the_list_takes_the_same_queries_for_one_run_and_for_thirty(run, researcher, log_in):
    client = log_in(researcher)

    def queries():
        client.get(RUNS)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(RUNS).status_code == 200
        return len(captured)

    one = queries()
    facts = {"trial": "tilburg", "registration": run.registration, "purpose": "x", "requested_by": researcher}
    Run.objects.bulk_create(Run(code=f"{n:032}", requested_at=clock.now(), **facts) for n in range(29))
    assert queries() == one


@pytest.mark.parametrize("model", list(apps.get_app_config("study").get_models()), ids=lambda model: model.__name__)
def test_every_column_is_classified(model):
    scrub, keep = set(model.Privacy.scrub), set(model.Privacy.keep)
    assert not scrub & keep
    assert scrub | keep == {field.name for field in model._meta.concrete_fields}
