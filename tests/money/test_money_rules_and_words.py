"""The rules on file, and the sentences."""

import re
import string
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from coaching.money.fields import month_index
from coaching.money.history import History
from coaching.money.rulebook import REGIMES, Setting, Version, doubts, rulebook
from coaching.money.words import Count, Percent, euros, say, sentences, texts, written
from trialmgr.core.documents import read_document

ROOT = Path(__file__).parents[2]


def at(rule: str, year: int, month: int) -> Version:
    version = rulebook().rule(rule).at(month_index(year, month))
    assert version is not None
    return version


@pytest.mark.parametrize(
    ("rule", "when", "share", "cap", "months"),
    [
        ("decree-2017", (2018, 1), "0.5", "199", 24),
        ("regular", (2017, 4), "0.25", "199", 6),
        ("regular", (2026, 1), "0.25", "285", 6),
        ("lone-parent", (2026, 1), "0.125", "177.66", 30),
        ("medical", (2026, 1), "0.15", "180.19", None),
        ("wage-subsidy", (2026, 1), "0.15", "180.19", 12),
        ("wage-subsidy-limited", (2026, 1), "0.15", "180.19", None),
        ("regular-2027", (2027, 1), "0.15", None, 12),
        ("pension", (2027, 1), "0.25", "226", None),
    ],
)
def test_a_rule_on_file_holds_the_numbers_of_the_law(
    rule: str, when: tuple[int, int], share: str, cap: str | None, months: int | None
) -> None:
    version = at(rule, *when)
    assert version.share == Decimal(share)
    assert version.cap == (None if cap is None else Decimal(cap))
    assert version.months == months


def test_every_version_names_its_article_and_source() -> None:
    book = rulebook()
    versions = [v for regime in book.regimes.values() for rule in regime.rules for v in rule.versions]
    versions += [v for bonus in book.bonuses.values() for v in bonus.versions]  # type: ignore[misc]
    assert len(versions) > 20
    assert all(version.article and version.source for version in versions)


def test_every_doubt_is_named_by_a_rule_and_told_in_both_languages() -> None:
    folder = ROOT / "coaching/money/rules"
    rules = "".join((folder / f"{name}.yaml").read_text("utf-8") for name in (*REGIMES, "bonuses"))
    for key, words in doubts().items():
        assert key in rules or key == "term-in-trial"
        assert words.nl != words.en


def test_rules_that_replace_each_other_leave_no_month_to_two_versions() -> None:
    for regime in rulebook().regimes.values():
        for rule in regime.rules:
            for month in range(month_index(2009, 1), month_index(2030, 1)):
                assert sum(version.holds_in(month) for version in rule.versions) <= 1


def test_a_setting_changes_its_months_only_and_leaves_the_rules_on_file_alone() -> None:
    setting = Setting.model_validate(
        {"rule": "regular", "from": "2018-07-01", "until": "2018-12-31", "set": {"cap": "202"}, "reason": "indexed"}
    )
    rule = rulebook().with_settings([setting]).rule("regular")
    caps = {month: version.cap for month in (6, 7, 12) if (version := rule.at(month_index(2018, month)))}
    assert caps == {6: Decimal("199.00"), 7: Decimal("202.00"), 12: Decimal("202.00")}
    assert at("regular", 2018, 7).cap == Decimal("199.00")
    after = rule.at(month_index(2019, 1))
    assert after is not None
    assert (after.cap, after.start, after.reason) == (Decimal("199.00"), date(2019, 1, 1), "")


def test_both_languages_of_a_sentence_hold_the_same_values() -> None:
    for name, words in texts().items():
        fields = [
            {field for _, field, _, _ in string.Formatter().parse(text) if field} for text in (words.nl, words.en)
        ]
        assert fields[0] == fields[1], name


def test_every_sentence_is_used_by_the_code() -> None:
    code = (ROOT / "coaching/money/words.py").read_text("utf-8")
    for name in texts():
        assert f'"{name}"' in code, name


def test_a_sentence_for_participants_is_short() -> None:
    for name, words in texts().items():
        for sentence in re.split(r"(?<=[.:?!])\s", words.nl):
            assert len(re.sub(r"\{\w+\}", "x", sentence).split()) <= 17, f"{name}: {sentence}"


def test_amounts_and_numbers_are_written_as_each_language_does() -> None:
    assert euros(Decimal("1234.5"), "nl") == "€ 1.234,50"
    assert euros(Decimal("1234.5"), "en") == "€1,234.50"
    assert euros(Decimal("-99.00"), "nl") == "€ -99,00"
    assert written(Percent(Decimal("0.125")), "nl") == "12,5%"
    assert written(Percent(Decimal("0.50")), "en") == "50%"
    assert [written(Count(number, "month"), "nl") for number in (0, 1, 2)] == ["0 maanden", "1 maand", "2 maanden"]
    assert written(date(2018, 3, 1), "nl") == "1 maart 2018"
    assert say("earned", who="Anna", amount=Decimal("300.00")).nl == "Anna verdiende € 300,00."


TRIAL = "provisions: [{regime: decree-2017, from: 2018-01-01}]\n"


def test_the_steps_of_a_month_are_told_in_the_order_of_the_sum(worked_out: Callable[..., History]) -> None:
    done = worked_out(
        "household: H\nfrom: 2018-01\nuntil: 2018-01\nmembers: [{name: Anna}]\n"
        + TRIAL
        + "earnings: [{month: 2018-01, amount: 500}]\n"
    )
    assert [sentence.nl for sentence in sentences(done, 0)] == [
        "Anna verdiende € 500,00.",
        "Voor u geldt de regel «Vrijlating in de proef» (Tijdelijk besluit experimenten Participatiewet art. 5(1)(c)).",
        "U mag 50% van uw loon houden. 50% van € 500,00 is € 250,00.",
        "U mag hoogstens € 199,00 per maand houden. Daarom is het € 199,00.",
        "Dit is maand 1 van de 24 maanden. Daarna heeft u nog 23 maanden.",
        "U houdt deze maand € 199,00 van uw loon. De rest, € 301,00, telt mee als inkomen voor uw uitkering.",
        (
            "Zonder de proef zou u € 125,00 houden, volgens de regel «Gewone vrijlating» "
            "(25% van het loon, hoogstens € 199,00 per maand). Door de proef houdt u € 74,00 meer."
        ),
    ]


SPECIAL = read_document(Path(__file__).with_name("special_months.yaml")).data


@pytest.mark.parametrize("entry", SPECIAL, ids=lambda entry: entry["says"])
def test_what_is_special_in_a_month_is_said(entry: dict[str, str], worked_out: Callable[..., History]) -> None:
    names = re.findall(r"name: (\w+)", entry["case"])
    pay = "".join(f"  - {{member: {name}, month: 2018-01, amount: 300}}\n" for name in names)
    done = worked_out(f"household: H\nfrom: 2018-01\nuntil: 2018-01\n{entry['case']}earnings:\n{pay}")
    assert any(entry["says"] in sentence.nl for sentence in sentences(done, 0))


def test_the_months_before_are_looked_at_for_what_changed(worked_out: Callable[..., History]) -> None:
    done = worked_out(
        "household: H\nfrom: 2026-11\nuntil: 2027-02\n"
        "members: [{name: Anna}, {name: Bert, from: 2026-12-01, until: 2027-01-31}]\n"
    )
    told = [[sentence.en for sentence in sentences(done, place)] for place in range(4)]
    assert "Bert belongs to your household from this month." in told[1]
    assert "Note: from this month another law or amount holds (the ordinary rule)." in told[2]
    assert told[3][0].startswith("Bert no longer belongs to your household.")
    assert not any("Note:" in sentence for sentence in told[1] + told[3])


@pytest.mark.parametrize(("amount", "said"), [("398.00", False), ("398.02", True)])
def test_the_cap_is_spoken_of_only_where_it_takes_something_off(
    amount: str, said: bool, worked_out: Callable[..., History]
) -> None:
    done = worked_out(
        "household: H\nfrom: 2018-01\nuntil: 2018-01\nmembers: [{name: Anna}]\n"
        + TRIAL
        + f"earnings: [{{month: 2018-01, amount: {amount}}}]\n"
    )
    assert any("You may keep at most" in sentence.en for sentence in sentences(done, 0)) is said
