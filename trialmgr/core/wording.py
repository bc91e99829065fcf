"""What a validator or parser complains of, in words for whoever wrote the file, with what would be right."""

from collections.abc import Mapping
from typing import Any

GROUP = ("is not a group of keys", "write each of its keys on a line of its own below it")
LIST = ("is not a list", "write [a, b], or begin each item on a line of its own with '- '")
WHOLE = ("is not a whole number, got {given}", "write digits only")
NUMBER = ("is not a number, got {given}", "write digits, and decimals with a point, like 199.50")
YES_NO = ("is neither yes nor no, got {given}", "write yes or no")
OF_VALUES: Mapping[str, tuple[str, str]] = {
    "extra_forbidden": ("is not a known key", "remove it or check its spelling"),
    "invalid_key": ("is not a key", "write decimals with a point: a comma ends the value"),
    "missing": ("is missing", "add it"),
    "model_type": GROUP,
    "model_attributes_type": GROUP,
    "dict_type": GROUP,
    "mapping_type": GROUP,
    "list_type": LIST,
    "tuple_type": LIST,
    "string_type": ("is not text", "put it between quotation marks"),
    "string_too_short": ("is empty or too short", "write at least {min_length} characters"),
    "string_too_long": ("is too long", "write at most {max_length} characters"),
    "union_tag_not_found": ("has no key that says what kind it is", "add {discriminator}:"),
    "union_tag_invalid": ("has {discriminator} '{tag}', which there is not", "write one of {expected_tags}"),
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "decimal_type": NUMBER,
    "decimal_parsing": NUMBER,
    "decimal_max_places": ("has too many decimals, got {given}", "write at most {decimal_places}"),
    "bool_type": YES_NO,
    "bool_parsing": YES_NO,
    "greater_than": ("is {given}", "write more than {gt}"),
    "greater_than_equal": ("is {given}", "write at least {ge}"),
    "less_than": ("is {given}", "write less than {lt}"),
    "less_than_equal": ("is {given}", "write at most {le}"),
}
OF_YAML = (
    ("found character '\\t'", "begins with a tab", "indent with spaces"),
    ("mapping values are not allowed", "has a second colon, or is indented wrongly", "put the text in quotation marks"),
    ("expected <block end>", "is indented otherwise than its neighbours", "give them the same indent"),
    ("could not find expected ':'", "has no colon, nor has the line before it", "write key: value"),
    ("has a number that", "has a number that is too long or not a number", "shorten it, or put it in quotation marks"),
    ("expected ',' or '", "stands within a bracket that is not closed", "close it, or quote text that holds , or :"),
)


def of_value(detail: Any) -> tuple[str, str]:
    """What is wrong and what would be right, for one error of pydantic.

    A message of our own validators gives both, with ` -> ` between them.
    """
    kind, given = detail["type"], f"{detail['input']!r}"[:60]
    if kind in OF_VALUES:
        context = {"given": given, **detail.get("ctx", {})}
        context["discriminator"] = str(context.get("discriminator", "")).strip("'")
        what, remedy = OF_VALUES[kind]
        return what.format_map(context), remedy.format_map(context)
    what, _, remedy = detail["msg"].removeprefix("Value error, ").partition(" -> ")
    return what[:1].lower() + what[1:] + ("" if kind == "value_error" else f", got {given}"), remedy


def of_yaml(problem: str) -> tuple[str, str]:
    """What is wrong and what would be right, for one problem of the YAML parser."""
    for start, what, remedy in OF_YAML:
        if problem.startswith(start):
            return what, remedy
    return problem, "mend this line"
