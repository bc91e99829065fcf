"""The kinds of process, and which secrets each may hold.

No process may have the data to break the promise to participants, so a process that
finds the credentials of another refuses to start.
"""

import os
from enum import StrEnum

from django.core.exceptions import ImproperlyConfigured


class Process(StrEnum):
    TOOL = "tool"  # commands on files, without a database
    OFFICE = "office"
    SURVEY = "survey"
    RESEARCH = "research"
    VAULT = "vault"


DATABASE_VARIABLE = {
    Process.OFFICE: "OFFICE_DATABASE_URL",
    Process.SURVEY: "RESEARCH_DATABASE_URL",
    Process.RESEARCH: "RESEARCH_DATABASE_URL",
    Process.VAULT: "RESEARCH_DATABASE_URL",
}
# The logins that each kind may use: of its pages, its work in the background, its operator's commands.
LOGINS = {
    Process.OFFICE: ("office_web", "office_worker", "office_migrate", "office_backup"),
    Process.SURVEY: ("survey_app",),
    Process.RESEARCH: ("research_web", "research_scoring", "research_migrate", "research_backup"),
    Process.VAULT: ("research_vault",),
}
RELEASE_LOGIN = ("research_release",)  # in STUDY_DATABASE_URL alone
BROKER_VARIABLE = {
    Process.OFFICE: "OFFICE_BROKER_URL",
    Process.RESEARCH: "RESEARCH_BROKER_URL",
    Process.VAULT: "VAULT_BROKER_URL",
}
# What makes a demo or a test; a production environment has none of it.
DEMO_ONLY = (
    "TRIALMGR_DEMO",
    "TRIALMGR_TEST",
    "TRIALMGR_PLAIN_HTTP",
    "TRIALMGR_SMTP_PLAIN",
    "TRIALMGR_CLOCK_FILE",
    "TRIALMGR_MAILBOX_URL",
)
HOLDERS = {
    "OFFICE_DATABASE_URL": {Process.OFFICE},
    "RESEARCH_DATABASE_URL": {Process.SURVEY, Process.RESEARCH, Process.VAULT},
    "STUDY_DATABASE_URL": {Process.VAULT},
    "VAULT_MAP_KEY": {Process.VAULT},
    "SURVEY_LINK_KEY": {Process.VAULT, Process.SURVEY},
    "VAULT_TOKEN": {Process.VAULT, Process.OFFICE},
    "OFFICE_BROKER_URL": {Process.OFFICE},
    "RESEARCH_BROKER_URL": {Process.RESEARCH},
    "VAULT_BROKER_URL": {Process.VAULT},
}


def current() -> Process:
    """The kind of this process. Raises ImproperlyConfigured for an unknown kind or a foreign credential."""
    name = os.environ.get("TRIALMGR_PROCESS", Process.TOOL)
    try:
        process = Process(name)
    except ValueError:
        kinds = ", ".join(Process)
        raise ImproperlyConfigured(f"TRIALMGR_PROCESS is {name!r}: write one of {kinds}") from None
    if process is not Process.TOOL:
        refuse_foreign_credentials(process)
    return process


def refuse_foreign_credentials(process: Process) -> None:
    for variable, holders in HOLDERS.items():
        held = variable in os.environ or f"{variable}_FILE" in os.environ
        if held and process not in holders:
            raise ImproperlyConfigured(
                f"the {process} process found {variable}, which belongs to another process: "
                "remove it from this environment; no process may reach two sides"
            )


def refuse_foreign_login(process: Process, variable: str, login: str, allowed: tuple[str, ...]) -> None:
    """Whatever a variable is called: who logs in as another process, or as a superuser, has that one's rights."""
    if login not in allowed:
        raise ImproperlyConfigured(
            f"the {process} process found {variable} with the login {login!r}: it may log in as {', '.join(allowed)}"
        )
