"""Reading instruments and questionnaires: by path, or by the name of one that ships with the program."""

from functools import lru_cache
from pathlib import Path

from surveys.instruments.checks import faults_of
from surveys.instruments.forms import Form, compose
from surveys.instruments.questionnaire import Questionnaire, questionnaire_faults
from surveys.instruments.schema import Instrument
from trialmgr.core.documents import Document, parse_document, read_document, validate
from trialmgr.core.errors import BadInput, Fault

HERE = Path(__file__).parent
PACKS, SEPARATE, QUESTIONNAIRES = HERE / "packs", HERE / "packs" / "separate", HERE / "questionnaires"


def load_instrument(path: str | Path) -> Instrument:
    """Read and check an instrument: a file, or the id of a shipped pack such as `mhi5`.

    Raises BadInput with every fault and its place.
    """
    found = _find(path, (PACKS, SEPARATE), "instrument")
    return _read_instrument(found, _state(found))


def parse_instrument(text: str, name: str = "instrument") -> Instrument:
    """The instrument in a piece of YAML; `name` stands for the file in messages."""
    return _instrument(parse_document(text, name))


def load_questionnaire(id_or_path: str | Path, wave: str, language: str) -> Form:
    """The questions of one wave in one language, ready to be asked one by one.

    Raises BadInput when the file or an instrument is unsound, or lacks the wave or the language.
    """
    questionnaire, instruments = read_questionnaire(id_or_path)
    return compose(questionnaire, instruments, wave, language)


def read_questionnaire(id_or_path: str | Path) -> tuple[Questionnaire, dict[str, Instrument]]:
    """A questionnaire with the instruments it names, by those names; they are files beside it, or packs."""
    path = _find(id_or_path, (QUESTIONNAIRES,), "questionnaire")
    questionnaire, document = _read_questionnaire(path, _state(path))
    instruments: dict[str, Instrument] = {}
    faults: list[Fault] = []
    for place, part in enumerate(questionnaire.parts):
        for at, block in enumerate(part.blocks):
            beside = path.parent / block.instrument
            try:
                if block.instrument not in instruments:
                    instruments[block.instrument] = load_instrument(beside if beside.is_file() else block.instrument)
            except BadInput as error:
                where = document.where(("parts", place, "blocks", at, "instrument"))
                faults += [Fault(f"{where}: {fault.where}", fault.what, fault.remedy) for fault in error.faults]
    if faults or (faults := questionnaire_faults(questionnaire, instruments, document)):
        raise BadInput(faults)
    return questionnaire, instruments


def pack_ids() -> list[str]:
    """Ids of the instruments that ship with the program."""
    return sorted(path.stem for folder in (PACKS, SEPARATE) for path in folder.glob("*.yaml"))


def _state(path: Path) -> tuple[int, int]:
    """Changes when the file changes: a web process reads each file once, and again after an edit."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=256)
def _read_instrument(path: Path, state: tuple[int, int]) -> Instrument:
    return _instrument(read_document(path))


@lru_cache(maxsize=64)
def _read_questionnaire(path: Path, state: tuple[int, int]) -> tuple[Questionnaire, Document]:
    document = read_document(path)
    return validate(Questionnaire, document), document


def _instrument(document: Document) -> Instrument:
    instrument = validate(Instrument, document)
    if faults := faults_of(instrument, document):
        raise BadInput(faults)
    return instrument


def _find(name: str | Path, folders: tuple[Path, ...], what: str) -> Path:
    path = Path(name)
    if path.suffix or path.is_file():
        return path
    for folder in folders:
        if (found := folder / f"{path.name}.yaml").is_file() and path.name == str(name):
            return found
    known = ", ".join(sorted(found.stem for folder in folders for found in folder.glob("*.yaml")))
    raise BadInput(Fault(str(name), f"there is no {what} of this name", f"give a file, or one of {known}"))
