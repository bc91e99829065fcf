"""Words and numbers of the page, in Dutch and in English."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analysis.report.dutch import dutch

Language = Literal["nl", "en"]

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Uitkomsten van het analyseplan", "Results of the analysis plan"),
    "skip": ("Naar de inhoud", "To the content"),
    "contents": ("Inhoud", "Contents"),
    "flow": ("Deelnemers van begin tot eind", "Participants from start to end"),
    "balance": ("De groepen aan het begin", "The arms at the start"),
    "effects": ("Effecten", "Effects"),
    "forest": ("Effecten met hun interval", "Effects with their interval"),
    "ratios": ("Verhoudingen met hun interval", "Ratios with their interval"),
    "curves": ("Verloop in de tijd", "Course over time"),
    "waves": ("Metingen na elkaar", "Waves in turn"),
    "sensitivity": ("Dezelfde vraag, andere methode", "The same question, another method"),
    "methods": ("Welke methode, en waarom", "Which method, and why"),
    "other": ("Overige uitkomsten", "Other results"),
    "refused": ("Niet gedaan", "Not done"),
    "colophon": ("Herkomst", "Provenance"),
    "analysis": ("Analyse", "Analysis"),
    "method": ("Methode", "Method"),
    "arm": ("Groep", "Arm"),
    "compared": ("Vergelijking", "Comparison"),
    "outcome": ("Uitkomst", "Outcome"),
    "definition": ("Definitie", "Definition"),
    "n": ("Aantal (n)", "Number (n)"),
    "estimate": ("Schatting", "Estimate"),
    "in_control": ("In de controlegroep", "In the control arm"),
    "interval": ("Interval", "Interval"),
    "p": ("p", "p"),
    "p_adjusted": ("p (aangepast)", "p (adjusted)"),
    "planned": ("Vooraf vastgelegd", "Planned beforehand"),
    "exploratory": ("Niet vooraf vastgelegd", "Not planned beforehand"),
    "step": ("Stap", "Step"),
    "covariate": ("Kenmerk", "Covariate"),
    "mean_sd": ("gemiddelde (sd)", "mean (sd)"),
    "smd": ("verschil in sd", "difference in sd"),
    "time": ("Tijd", "Time"),
    "wave": ("Meting", "Wave"),
    "at_risk": ("nog gevolgd", "still followed"),
    "cause": ("oorzaak", "cause"),
    "moment": ("tijdstip", "time"),
    "se": ("Standaardfout", "Standard error"),
    "df": ("Vrijheidsgraden", "Degrees of freedom"),
    "share": ("Aandeel", "Share"),
    "value": ("Gemiddelde", "Mean"),
    "control": ("controle", "control"),
    "versus": ("tegen", "against"),
    "unit_points": ("procentpunt", "percentage points"),
    "unit_own": ("eenheid van de uitkomst", "unit of the outcome"),
    "unit_ratio": ("verhouding", "ratio"),
    "rows": ("Gebruikte rijen", "Rows used"),
    "of": ("van", "of"),
    "randomised": ("Geloot", "Randomised"),
    "used": ("Gebruikt", "Used"),
    "dropped": ("Niet gebruikt, met reden", "Not used, with reason"),
    "measure": ("Maat", "Measure"),
    "statistic": ("Toets", "Test"),
    "note": ("Opmerking", "Note"),
    "hidden": ("verborgen (klein aantal)", "hidden (small number)"),
    "cut": (
        "Aantallen onder {k} zijn verborgen, met zoveel andere als nodig is om ze niet te kunnen terugrekenen.",
        "Counts below {k} are hidden, with as many others as keep them from being worked out.",
    ),
    "yes": ("ja", "yes"),
    "no": ("nee", "no"),
    "table": ("tabel", "table"),
    "picture": ("Grafiek", "Chart"),
    "same_numbers": ("Dezelfde getallen staan in de tabel hieronder.", "The same numbers are in the table below."),
}
STEPS: dict[str, tuple[str, str]] = {
    "assessed": ("Beoordeeld", "Assessed"),
    "excluded": ("Niet meegedaan", "Excluded"),
    "randomised": ("Geloot", "Randomised"),
    "allocated": ("Toegewezen", "Allocated"),
    "received": ("Kreeg de aanpak", "Received the arm"),
    "not_received": ("Kreeg de aanpak niet", "Did not receive the arm"),
    "withdrew": ("Toestemming ingetrokken", "Withdrew consent"),
    "answered": ("Antwoordde", "Answered"),
    "not_answered": ("Antwoordde niet", "Did not answer"),
    "analysed": ("In de analyse", "Analysed"),
    "remaining": ("Over", "Remaining"),
}


LOST: dict[str, tuple[str, str]] = {
    "outside_subset": ("buiten de selectie", "outside the subset"),
    "arm_missing": ("groep ontbreekt", "arm missing"),
    "outcome_missing": ("uitkomst ontbreekt", "outcome missing"),
    "covariate_missing": ("kenmerk ontbreekt", "covariate missing"),
    "cluster_missing": ("cluster ontbreekt", "cluster missing"),
    "block_unusable": ("blok niet te gebruiken", "block cannot be used"),
}


MEASURES: dict[str, tuple[str, str]] = {
    "all": ("iedereen", "everybody"),
    "alpha": ("alpha", "alpha"),
    "average": ("gemiddeld over de metingen", "average over the waves"),
    "chi2": ("chi-kwadraat", "chi squared"),
    "difference": ("verschil", "difference"),
    "effect": ("effect", "effect"),
    "first_stage_F": ("F van de eerste stap", "F of the first stage"),
    "incidence": ("aandeel met deze uitstroom", "incidence"),
    "interaction": ("verschil tussen subgroepen", "interaction"),
    "itt": ("effect van de loting", "effect of the draw"),
    "joint": ("alle groepen samen", "all arms together"),
    "lower": ("ondergrens", "lower bound"),
    "mean": ("gemiddelde", "mean"),
    "pooled": ("samengenomen", "pooled"),
    "prediction": ("verwacht in een andere stad", "expected in another city"),
    "published": ("getoond", "published"),
    "quantile": ("tijd tot dit deel is uitgestroomd", "time until this share has left"),
    "ratio": ("verhouding", "ratio"),
    "received": ("aandeel dat het kreeg", "share that received it"),
    "risk": ("aandeel", "share"),
    "rmst": ("gemiddelde tijd tot uitstroom", "mean time until exit"),
    "rmtl": ("gemiddelde tijd na uitstroom", "mean time after exit"),
    "sd": ("spreiding (sd)", "sd"),
    "site": ("locatie", "site"),
    "smd": ("verschil in sd", "difference in sd"),
    "survival": ("aandeel nog niet uitgestroomd", "survival"),
    "trim_share": ("deel dat wegvalt", "share cut off"),
    "upper": ("bovengrens", "upper bound"),
    "withheld": ("achtergehouden", "withheld"),
}


@dataclass(frozen=True)
class Voice:
    """A language with its words and its way to write numbers."""

    language: Language = "nl"

    def __call__(self, key: str) -> str:
        return WORDS[key][0 if self.language == "nl" else 1]

    def measure(self, name: str) -> str:
        """What a row measures; a name that is not in the list is a term of the trade in both languages."""
        return MEASURES.get(name, (name.replace("_", " "),) * 2)[0 if self.language == "nl" else 1]

    def row(self, row: Mapping[str, Any]) -> str:
        """What sets a row apart within its analysis: measure, event, time, wave, site, subgroup."""
        at, measure, wave = row.get("at"), row.get("measure"), row.get("wave")
        moment = "share" if measure == "quantile" else "moment"
        parts = [
            self.measure(measure) if measure else None,
            None if row.get("event") is None else f"{self('cause')} {row['event']}",
            None if at is None else f"{self(moment).lower()} {self.decimal(f'{at:g}')}",
            None if wave is None else self.measure(str(wave)),
            row.get("site"),
            row.get("subgroup"),
        ]
        return ", ".join(str(part) for part in parts if part is not None)

    def step(self, name: str) -> str:
        return STEPS.get(name, (name, name))[0 if self.language == "nl" else 1]

    def lost(self, reason: str) -> str:
        """Why rows are not in an analysis."""
        return LOST[reason][0 if self.language == "nl" else 1]

    def said(self, text: str) -> str:
        """A note, message or refusal of the estimators; in English where the catalogue does not know it."""
        return (dutch(text) or text) if self.language == "nl" else text

    def number(self, value: float | None, *, percent: bool = False) -> str:
        """Three significant digits, or percentage points to one decimal; an en dash for what does not exist."""
        if value is None or not math.isfinite(value):
            return "–"
        if percent:
            return self.decimal(f"{100 * value:.1f}")
        return self.decimal(f"{value:.{_places(value)}f}")

    def decimal(self, text: str) -> str:
        text = text.replace("-", "−")
        return text.replace(".", ",") if self.language == "nl" else text

    def p_value(self, value: float | None) -> str:
        if value is None:
            return "–"
        return self.decimal("<\u00a00.001" if value < 0.001 else f"{value:.3f}")

    def interval(self, low: float | None, high: float | None, *, percent: bool = False) -> str:
        if low is None and high is None:
            return "–"
        to = "tot" if self.language == "nl" else "to"
        if percent or low is None or high is None:
            return f"{self.number(low, percent=percent)} {to} {self.number(high, percent=percent)}"
        places = _places(max(abs(low), abs(high)))
        return f"{self.decimal(f'{low:.{places}f}')} {to} {self.decimal(f'{high:.{places}f}')}"


def _places(value: float) -> int:
    """Decimals for three significant digits."""
    size = 0 if value == 0 else math.floor(math.log10(abs(value)))
    return min(6, max(0, 2 - size))
