"""The research side announces the questionnaires and registers the plan, before anybody is asked anything."""

from analysis.study.services import register
from surveys.answers.services import open_wave
from trialmgr.demo.simulator import accounts, calendar
from trialmgr.demo.simulator.calendar import TRIAL
from trialmgr.protocol.reading import load_protocol


def run() -> None:
    calendar.set_present(calendar.INVITED)
    accounts.make(accounts.RESEARCH)
    protocol = load_protocol(TRIAL)
    register(protocol=protocol)
    accounts.give_roles(accounts.RESEARCH)
    steward = accounts.of("datasteward@demo.example")
    for wave in protocol.waves:
        open_wave(study=TRIAL, wave=wave.code, questionnaire=protocol.surveys.questionnaire, by=steward)
