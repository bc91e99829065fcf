"""Texts of people in files that are opened as a spreadsheet."""

import re

# A Dutch Excel ends a cell at a semicolon, and knows quotes at the begin of a cell only: then line breaks end one too.
FORMULA = re.compile(
    r"""(^|[;|\t\v\f\r\n\x1c-\x1e\x85\u2028\u2029])(?=[\s\x00-\x1f"\u200b-\u200f\ufeff]*[=+\-@＝＋－﹣−＠﹦﹢﹫])|^(?=[\t\r])"""
)


def harmless(text: str) -> str:
    """A text of which no part is taken for a formula, whatever the cells are held to end with."""
    return FORMULA.sub(r"\1'", text)
