"""The declared matrix of roles and rights."""

import pytest

from trialmgr.core import grants
from trialmgr.demo import environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT", [("SELECT", "")]),
        ("SELECT, INSERT", [("SELECT", ""), ("INSERT", "")]),
        ("SELECT (a, b), UPDATE (b)", [("SELECT", "a"), ("SELECT", "b"), ("UPDATE", "b")]),
    ],
)
def test_rights_are_read_with_their_columns(text, expected):
    assert grants.clauses(text) == expected


@pytest.mark.parametrize("text", ["ALL", "SELECT INSERT", "TRUNCATE", "SELECT (a", "select"])
def test_a_right_that_may_not_be_given_is_refused(text):
    with pytest.raises(ValueError, match="is not a list of"):
        grants.clauses(text)


@pytest.mark.parametrize("cluster", ["office", "research"])
def test_every_row_names_known_roles_and_rights(cluster):
    matrix = grants.matrices()[cluster]
    for rights in matrix.tables.values():
        for named, text in rights.items():
            assert grants.clauses(text)
            assert set(matrix.holders(named)) <= set(matrix.roles)
    for named in {named for names in matrix.functions.values() for named in names}:
        assert set(matrix.holders(named)) <= set(matrix.roles)


def test_the_survey_login_has_no_right_on_any_table():
    tables = grants.matrices()["research"].tables
    assert [name for name, rights in tables.items() if "survey_app" in rights] == []


def test_the_research_web_login_reads_no_answer():
    matrix = grants.matrices()["research"]
    holds_answers = {"answers.draft", "answers.poured", "answers.poured_text", "answers.score"}
    assert holds_answers <= matrix.tables.keys()
    for name in holds_answers:
        assert matrix.web not in {role for named in matrix.tables[name] for role in matrix.holders(named)}


@pytest.mark.parametrize("cluster", ["office", "research"])
def test_owners_cannot_log_in_and_no_login_can_become_one_but_migrations(cluster):
    matrix = grants.matrices()[cluster]
    for owner in set(matrix.schemas.values()):
        assert matrix.roles[owner].login is False
        members = {name for name, role in matrix.roles.items() if owner in role.inherits + role.may_become}
        assert members <= {matrix.migrate, matrix.owner}


@pytest.mark.parametrize("process", sorted(environment.LOGIN))
def test_each_process_has_a_login_of_its_own_cluster(process):
    matrix = grants.matrices()[environment.CLUSTER[process]]
    assert environment.LOGIN[process] in matrix.logins()


def test_the_script_for_an_operator_makes_roles_before_it_uses_them():
    matrix = grants.matrices()["research"]
    made = grants.provision_roles(matrix)
    first = {name: next(i for i, line in enumerate(made) if f"CREATE ROLE {name};" in line) for name in matrix.roles}
    for place, line in enumerate(made):
        if line.startswith("GRANT "):
            assert all(first[name] < place for name in (line.split()[1], line.split()[3]))
