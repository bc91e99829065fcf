"""What one wave asks, in one piece: travels from the research side to the survey process, and stays as it was asked."""

import json
from pathlib import Path

from surveys.instruments.forms import Form, compose
from surveys.instruments.loading import read_questionnaire
from surveys.instruments.questionnaire import Questionnaire
from surveys.instruments.schema import Instrument
from trialmgr.core.errors import BadInput, Fault


def pack(id_or_path: str | Path, wave: str) -> str:
    """A questionnaire and its instruments as JSON. Raises BadInput when they are unsound or lack the wave."""
    questionnaire, instruments = read_questionnaire(id_or_path)
    if wave not in questionnaire.waves:
        known = ", ".join(questionnaire.waves)
        raise BadInput(Fault(questionnaire.id, f"has no wave {wave}", f"use one of {known}"))
    content = {
        "wave": wave,
        "questionnaire": questionnaire.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "instruments": {
            name: instrument.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            for name, instrument in sorted(instruments.items())
        },
    }
    return json.dumps(content, sort_keys=True)


def unpack(text: str, language: str) -> Form:
    """The form in this language, or in the questionnaire's first when it has no such language."""
    content = json.loads(text)
    questionnaire = Questionnaire.model_validate(content["questionnaire"])
    instruments = {name: Instrument.model_validate(one) for name, one in content["instruments"].items()}
    known = language if language in questionnaire.languages else questionnaire.languages[0]
    return compose(questionnaire, instruments, content["wave"], known)
