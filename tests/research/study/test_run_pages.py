"""The pages of the research side."""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.study import services
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


def test_a_run_that_was_opened_early_says_so_for_good(done, principal, steward, log_in):
    services.propose_release(run_id=done.pk, ground="Steering group, 4-3-2019", by=principal)
    services.confirm_release(run_id=done.pk, by=steward)
    words = f"by {principal} and {steward}. Ground: Steering group, 4-3-2019"
    for moment in (clock.now(), datetime(2020, 6, 1, tzinfo=UTC)):
        with clock.at(moment):
            shown = page(log_in(principal).get(f"{RUNS}{done.code}/"))
        assert "Opened before the end of the embargo, on" in shown
        assert words in shown


def test_an_open_result_can_be_taken_along_and_a_sealed_one_cannot(done, researcher, log_in):
    client, url = log_in(researcher), f"{RUNS}{done.code}/result."
    assert [client.get(url + form).status_code for form in ("csv", "json")] == [404, 404]
    with clock.at(datetime(2020, 6, 1, tzinfo=UTC)):
        assert "result.csv" in page(client.get(f"{RUNS}{done.code}/"))
        assert client.get(url + "json").json()["software"] == {"made-up": "1.0"}
        table = client.get(url + "csv")
    assert page(table).startswith("analysis,method,planned,term,measure")
    assert table["Content-Disposition"].startswith("attachment")


def test_approvers_read_the_plan_that_they_say_yes_to(run, principal, log_in):
    client = log_in(principal)
    assert "/t/tilburg/plans/1/" in page(client.get(f"{RUNS}{run.code}/"))
    shown = page(client.get("/t/tilburg/plans/1/"))
    for words in ("Primary outcomes", "Exit to work after 24 months", "linear regression", "se: CR2", "(Dunnett)"):
        assert words in shown
    assert run.registration.sha256 in shown
    assert client.get("/t/tilburg/plans/2/").status_code == 404


def test_a_run_is_refused_with_a_reason_that_stays_with_it(run, principal, researcher, log_in):
    url = f"{RUNS}{run.code}/"
    assert "Withdraw this run" in page(log_in(researcher).get(url))
    client = log_in(principal)
    assert "Refuse this run" in page(client.get(url))
    assert client.post(f"{url}refuse/", {"end-reason": ""}).status_code == 422
    shown = page(client.post(f"{url}refuse/", {"end-reason": "No consent for this"}, follow=True))
    assert f"refused ({principal}" in shown
    assert "No consent for this" in shown
    assert "Refuse this run" not in shown


def test_who_asks_while_a_run_is_under_way_is_told(run, researcher, principal, log_in):
    assert "A run is under way already" in page(log_in(researcher).get(RUNS))
    second = services.request_run(trial="tilburg", purpose="Again", by=researcher)
    assert "Another run is under way" in page(log_in(principal).get(f"{RUNS}{second.code}/"))


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
