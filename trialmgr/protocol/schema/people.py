"""Who may join, and what they agree to."""

from typing import Annotated, Literal

from pydantic import Field

from trialmgr.protocol.schema.base import Bilingual, Code, Part, at_least


class EligibilityCheck(Part):
    """A question with yes or no; another answer than `must_be` excludes, for the reason given."""

    code: Code
    question: Bilingual
    must_be: bool
    reason: Bilingual
    about: Literal["household", "person"]
    answered_by: Literal["applicant", "office"]


class Purpose(Part):
    """One thing asked of a participant; the ground for processing stands apart from the agreement to take part."""

    code: Code
    name: Bilingual
    text: Bilingual
    required: bool
    ground: Literal["consent", "public_task", "research", "legal_duty"]


class Consent(Part):
    """How people agree, on which version of the words, and to what."""

    model: Literal["opt_in_written", "opt_out", "statutory"] = "opt_in_written"
    version: Annotated[str, Field(min_length=1, max_length=20)]
    purposes: Annotated[tuple[Purpose, ...], at_least(1)]
