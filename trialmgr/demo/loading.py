"""Fill a new demo: its trial is played step by step, each step under the login that does it in life."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

from trialmgr.demo import environment
from trialmgr.demo.environment import Place
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.reset import ROOT

# What fills a new demo, in this order, once every process runs: the login it runs under, the step, and in words.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("research_web", "announce", "the university announces the questionnaires and registers the plan"),
    ("office_web", "recruit", "people of {homes} households are invited, sign up, are checked and consent"),
    ("office_worker", "post baseline", "the first questionnaire is sent by mail"),
    ("survey_app", "answer baseline {mail}", "they answer the first questionnaire, by the link in their mail"),
    ("office_worker", "allot count", "the night counts the answers"),
    ("office_web", "allot request", "the statistician asks for a draw"),
    ("office_worker", "allot freeze", "the list is closed and published with a commitment"),
    ("office_web", "allot draw", "two persons type the public number and the lots are drawn"),
    ("office_web", "coach", "coaches log a year of contacts; some people leave the benefit"),
    ("office_worker", "post mid", "the second questionnaire is sent by mail"),
    ("survey_app", "answer mid {mail}", "people answer the second questionnaire"),
    ("office_worker", "finish count", "the night counts the answers"),
    ("research_scoring", "finish score", "the research worker scores them"),
    ("research_web", "finish study", "a researcher asks for a run, two others approve it"),
)
AT_A_TIME = 2  # processes that wait for their next step: each takes the memory of an interpreter
LOGINS = {"office_worker": "office", "research_scoring": "research"} | {
    login: process for process, login in environment.LOGIN.items()
}


def load(place: Place, group: int, say: Callable[[str], None]) -> None:
    """Play the steps that were not finished yet, in process group `group`. TRIALMGR_DEMO_HOMES=0 plays none."""
    homes = os.environ.get("TRIALMGR_DEMO_HOMES", "760")
    if homes == "0":
        return
    players: dict[str, Player] = {}
    try:
        for login, step, words in STEPS:
            stamp = place.home / f"loaded-{step.split(' {')[0].replace(' ', '-')}"
            if stamp.exists():
                continue
            say(f"filling the demo trial: {words.format(homes=homes)}")
            players[login] = players.pop(login, None) or Player(place, login, homes, group)
            for idle in list(players)[:-AT_A_TIME]:
                players.pop(idle).leave()
            players[login].play([word.format(mail=place.home / "mail") for word in step.split(" ")])
            stamp.touch()
    finally:
        for player in players.values():
            player.leave()


class Player:
    """The simulator as one login: a process that plays the steps it is told, one line each, until it is left."""

    def __init__(self, place: Place, login: str, homes: str, group: int) -> None:
        variables = environment.of(LOGINS[login], place, login=login) | {
            "TRIALMGR_STATEMENT_SECONDS": "600",
            "TRIALMGR_DEMO_HOMES": homes,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trialmgr.demo.simulator"],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=group,
        )

    def leave(self) -> None:
        """End the process; it has nothing that is not in the database."""
        self.process.terminate()
        self.process.communicate()

    def play(self, step: list[str]) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(step) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            line = f"filling the demo trial failed at `{' '.join(step)}`: see above; `make demo-reset` starts afresh"
            raise LaunchError(line)
