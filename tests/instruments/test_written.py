"""Numbers and days as people write them."""

from datetime import date

import pytest

from surveys.instruments.written import is_whole, kept_number, read_day, read_number, shown_day, shown_number


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("nl", "1.000", "1000"),
        ("nl", "1.234.567,5", "1234567.5"),
        ("nl", "1 000", "1000"),
        ("nl", "1,125", "1.125"),
        ("nl", "2.5", "2.5"),
        ("en", "1,000", "1000"),
        ("en", "1,234.5", "1234.5"),
        ("en", "1.125", "1.125"),
        ("en", "2,5", "2.5"),
        ("en-GB", "+12", "12"),
        ("nl", "-0", "0"),
        ("nl", "0,000001", "0.000001"),
    ],
)
def test_a_number_is_read_as_its_language_writes_it(language, text, kept):
    assert kept_number(read_number(text, language)) == kept


@pytest.mark.parametrize("text", ["1e2", "nan", "inf", "1_000", "12-", "1.2.3", "1,2,3", "", ".", "-", "9" * 13])
def test_what_is_no_number_is_not_read_as_one(text):
    assert read_number(text, "nl") is None


@pytest.mark.parametrize(
    ("language", "text", "whole"),
    [
        ("nl", "1.000", True),
        ("nl", "12,00", True),
        ("nl", "1,000", False),
        ("en", "1.000", False),
        ("nl", "1,5", False),
    ],
)
def test_what_may_be_a_thousand_in_another_language_is_no_whole_number(language, text, whole):
    assert is_whole(read_number(text, language)) is whole


@pytest.mark.parametrize(("language", "shown"), [("nl", "2,5"), ("en", "2.5")])
def test_a_number_comes_back_as_it_was_written(language, shown):
    assert shown_number(kept_number(read_number(shown, language)), language) == shown


@pytest.mark.parametrize("text", ["1-2-2020", "01/02/2020", "1.2.2020", "1 2 2020", "2020-02-01", " 1 - 2 - 2020 "])
def test_a_day_is_read_with_any_sign_between(text):
    assert read_day(text) == date(2020, 2, 1)
    assert shown_day(read_day(text).isoformat()) == "1-2-2020"


@pytest.mark.parametrize("text", ["31-2-2020", "1-2-20", "gisteren", "1-2", "2020"])
def test_what_is_no_day_is_not_read_as_one(text):
    assert read_day(text) is None
