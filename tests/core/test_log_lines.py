"""A log line is one line, and in the processes of answers and keys it holds no value."""

import logging
import sys

import pytest

from trialmgr.core.logs import BareFormatter, LineFormatter

FORGED = "x\r\n2026-01-01 INFO trialmgr.audit all is well\x1b[2J\x85\u2028\u2029\x00"


def record(message, *values, error=None):
    return logging.LogRecord("trialmgr.test", logging.ERROR, __file__, 1, message, values, error)


@pytest.mark.parametrize("formatter", [LineFormatter(), BareFormatter()])
def test_a_value_cannot_start_a_line_of_its_own(formatter):
    line = formatter.format(record("login of %s", FORGED))
    assert len(line.splitlines()) == 1
    assert all(letter.isprintable() for letter in line)
    assert "\\x0d\\x0a" in line


def fail(value):
    raise ValueError(value)


def caught(value):
    try:
        fail(value)
    except ValueError:
        return sys.exc_info()


def test_an_error_with_its_traceback_is_one_line():
    line = LineFormatter().format(record("failed", error=caught(FORGED)))
    assert len(line.splitlines()) == 1
    assert "ValueError" in line
    assert "audit all is well" not in line


def fail_twice(value):
    try:
        fail(value)
    except ValueError as error:
        raise LookupError(value) from error


def test_the_way_to_an_error_is_told_and_not_its_text():
    try:
        fail_twice("Noor Bakker")
    except LookupError:
        failed = record("failed", error=sys.exc_info())
    logging.Formatter().format(failed)  # another handler has put the text with the record
    line = LineFormatter().format(failed)
    assert "Noor" not in line
    assert line.index("ValueError") < line.index("LookupError")
    assert "in fail_twice" in line
    assert "in fail\\x0a" in line


@pytest.mark.parametrize("formatter", [LineFormatter(), BareFormatter()])
@pytest.mark.parametrize("values", [(ValueError("Noor"),), ({"why": ValueError("Noor")},)])
def test_an_error_among_the_values_of_a_line_is_told_by_its_kind(formatter, values):
    line = formatter.format(record("refused: %s" if isinstance(values[0], ValueError) else "refused: %(why)s", *values))
    assert line.endswith("refused: ValueError")


def test_where_answers_pass_an_error_is_told_without_its_value():
    line = BareFormatter().format(record("failed on %s", "answer 4", error=caught("secret answer")))
    assert "secret answer" not in line
    assert "answer 4" not in line
    assert line.startswith("ERROR trialmgr.test ValueError at ")


def test_an_error_that_is_the_whole_message_is_told_by_its_kind():
    line = LineFormatter().format(record(ValueError("client 41200005 lives at Heuvel 12")))
    assert "41200005" not in line
    assert "ValueError" in line
