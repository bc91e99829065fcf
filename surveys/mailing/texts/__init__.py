"""Every word of mails and letters: one file per language, each complete, with places to fill in from a closed list."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from trialmgr.core.documents import read_document, validate

HERE = Path(__file__).parent
PLACES = {"which", "number", "total", "minutes", "trial", "last_day", "phone", "site"}


def _fillable(text: str) -> str:
    """No template code and no attribute of anything: a name of ours after a dollar sign, or plain text."""
    template = Template(text)
    if not template.is_valid() or not set(template.get_identifiers()) <= PLACES:
        raise ValueError(f"places to fill in are {', '.join(f'${name}' for name in sorted(PLACES))}")
    return text


Text = Annotated[str, AfterValidator(_fillable)]


class Words(BaseModel):
    """The words of one language. A missing or superfluous one stops the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: Text
    reminder: Text
    which: Text
    greeting: Text
    demo: Text
    ask: Text
    again: Text
    promise: Text
    free: Text
    regards: Text

    mail_button: Text
    mail_until: Text
    mail_help: Text
    mail_help_no_phone: Text

    letter_until: Text
    letter_scan: Text
    letter_type: Text
    letter_spaces: Text
    letter_picture: Text
    letter_help: Text

    def say(self, name: str, **facts: object) -> str:
        """One of the texts with its places filled in."""
        return Template(getattr(self, name)).substitute(facts)


@cache
def catalogue() -> Mapping[str, Words]:
    """The texts of each language by its code, Dutch first."""
    files = sorted(HERE.glob("*.yaml"), key=lambda path: (path.stem != "nl", path.stem))
    return MappingProxyType({path.stem: validate(Words, read_document(path)) for path in files})
