"""What happens at the draw, in plain Dutch (B1) and English, from the design alone.

Every text is a list of short paragraphs of short sentences, for the people who take part and for a council meeting.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal

from randomization.lottery.design import Design

Language = Literal["nl", "en"]


def explain(design: Design, language: Language = "nl", *, strata: int = 1) -> tuple[str, ...]:
    """The paragraphs that explain the draw of this design on a list with so many strata."""
    parts = _dutch(design, strata) if language == "nl" else _english(design, strata)
    return tuple(" ".join(sentences) for sentences in parts)


def _dutch(design: Design, strata: int) -> Iterator[list[str]]:
    yield [f"Er zijn {len(design.arms)} groepen: {_list(design.arms, 'en')}.", *_dutch_chances(design)]
    household = ["Wij loten per huishouden.", "Iedereen in een huishouden komt in dezelfde groep."]
    if strata > 1:
        household += [f"De lijst heeft {strata} delen, bijvoorbeeld wijken.", "Wij loten in elk deel apart."]
    yield household
    yield _dutch_method(design)
    if design.balance:
        yield [
            f"Wij letten op {_list(design.balance.columns, 'en')}.",
            "Verschillen de groepen daarin te veel?",
            "Dan trekken wij alles opnieuw.",
            "Die regel staat vooraf vast.",
        ]
    for choice in design.choice:
        yield [
            f"Komt u in de groep {choice.arm}?",
            f"Dan kiest u na de loting zelf: {_list(choice.options, 'of')}.",
        ]
    yield [
        "Niemand kan de uitslag sturen.",
        "Vooraf leggen wij de lijst en een geheim getal vast.",
        "Daarna wachten wij op een openbaar getal, dat nog niemand kent.",
        "Die twee getallen samen bepalen de uitslag.",
        "Na afloop kan iedereen de loting zelf nadoen.",
    ]


def _dutch_chances(design: Design) -> list[str]:
    if len(set(design.ratio)) == 1:
        return [f"De kans op elke groep is even groot: 1 op {len(design.arms)}."]
    return [f"De kans op {arm} is {_odds(share, 'op')}." for arm, share in design.shares.items()]


def _dutch_method(design: Design) -> list[str]:
    sizes = sorted({size * sum(design.ratio) for size in design.multipliers})
    often = _odds(Fraction(design.probability or 1), "op")
    match design.method:
        case "simple":
            text = [
                "Elk huishouden krijgt een eigen lot, los van de andere.",
                "Daarom kan een groep wat groter worden dan gepland.",
            ]
        case "complete":
            text = [
                "Wij maken precies genoeg loten voor elke groep.",
                "Dan schudden wij de lijst en de loten.",
                "Elk huishouden krijgt één lot.",
            ]
        case "blocks":
            text = [
                "De loten zitten in pakjes van wisselende grootte."
                if _hides_sizes(design)
                else f"De loten zitten in pakjes van {_list([str(size) for size in sizes], 'of')}.",
                "In elk pakje zitten de groepen in de goede verhouding.",
                "Elk pakje is geschud.",
                "Zo blijven de groepen steeds in verhouding.",
            ]
        case "coin":
            text = [
                "Zijn de groepen even groot? Dan beslist kop of munt.",
                f"Is een groep kleiner? Dan is de kans op die groep {often}.",
            ]
            if design.limit:
                text.append(f"Bij een verschil van {design.limit} gaat de volgende zeker naar de kleinste groep.")
        case "minimisation":
            text = [
                f"Wij letten op {_list([factor.column for factor in design.factors], 'en')}.",
                "Wij kijken in welke groep het huishouden het beste past.",
                f"De kans op die groep is {often}.",
                "De rest beslist het toeval.",
            ]
    if design.mode == "sequential":
        text += ["U krijgt uw lot als u meedoet.", "Niemand weet vooraf welk lot het volgende is."]
    return text


def _english(design: Design, strata: int) -> Iterator[list[str]]:
    yield [f"There are {len(design.arms)} groups: {_list(design.arms, 'and')}.", *_english_chances(design)]
    household = ["We draw one lot for each household.", "Everyone in a household is in the same group."]
    if strata > 1:
        household += [f"The list has {strata} parts, for example districts.", "We draw within each part."]
    yield household
    yield _english_method(design)
    if design.balance:
        yield [
            f"We look at {_list(design.balance.columns, 'and')}.",
            "Do the groups differ too much in them?",
            "Then we draw everything again.",
            "That rule is fixed beforehand.",
        ]
    for choice in design.choice:
        yield [
            f"Are you in the group {choice.arm}?",
            f"Then you choose yourself after the draw: {_list(choice.options, 'or')}.",
        ]
    yield [
        "Nobody can steer the outcome.",
        "Beforehand we fix the list and a secret number.",
        "Then we wait for a public number that nobody knows yet.",
        "The two numbers together decide the outcome.",
        "Afterwards anyone can repeat the draw.",
    ]


def _english_chances(design: Design) -> list[str]:
    if len(set(design.ratio)) == 1:
        return [f"The chance of each group is the same: 1 in {len(design.arms)}."]
    return [f"The chance of {arm} is {_odds(share, 'in')}." for arm, share in design.shares.items()]


def _english_method(design: Design) -> list[str]:
    sizes = sorted({size * sum(design.ratio) for size in design.multipliers})
    often = _odds(Fraction(design.probability or 1), "in")
    match design.method:
        case "simple":
            text = [
                "Each household gets a lot of its own, whatever the others get.",
                "So one group may become somewhat larger than planned.",
            ]
        case "complete":
            text = [
                "We make exactly enough lots for each group.",
                "Then we shuffle the list and the lots.",
                "Each household gets one lot.",
            ]
        case "blocks":
            text = [
                "The lots come in packs of varying size."
                if _hides_sizes(design)
                else f"The lots come in packs of {_list([str(size) for size in sizes], 'or')}.",
                "In each pack the groups have the right proportions.",
                "Each pack is shuffled.",
                "So the groups stay in proportion all the time.",
            ]
        case "coin":
            text = [
                "When the groups are equal a fair coin decides.",
                f"When one is smaller, its chance is {often}.",
            ]
            if design.limit:
                text.append(f"At a difference of {design.limit} the next one surely joins the smaller group.")
        case "minimisation":
            text = [
                f"We look at {_list([factor.column for factor in design.factors], 'and')}.",
                "We see in which group the household fits best.",
                f"The chance of that group is {often}.",
                "Luck decides the rest.",
            ]
    if design.mode == "sequential":
        text += ["You get your lot when you join.", "Nobody knows beforehand which lot is next."]
    return text


def _hides_sizes(design: Design) -> bool:
    """Who may still hope for a certain lot is not helped to guess the next one."""
    return design.mode == "sequential" and len(design.multipliers) > 1


def _odds(chance: Fraction, word: str) -> str:
    return f"{chance.numerator} {word} {chance.denominator}"


def _list(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
