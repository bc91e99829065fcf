"""The method text of an analysis, in plain Dutch and English, made from its keys and its numbers."""

from analysis.estimators.expressions import label
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, methods
from analysis.estimators.results import Result, Row

MEASURES = (None, "difference")
COVARIANCES = {
    "unstructured": ("zonder vaste vorm", "unstructured"),
    "toeplitz": ("met één samenhang per afstand in de tijd (Toeplitz)", "heterogeneous Toeplitz"),
    "ar1": ("met een samenhang die afneemt met de tijd (AR1)", "heterogeneous AR(1)"),
    "compound_symmetry": ("met overal dezelfde samenhang", "compound symmetry"),
}
NONE_NAMED = (" en de genoemde kenmerken", ""), (" and the covariates named", "")
ERRORS = {
    "robust": "robuuste standaardfout",
    "classical": "klassieke standaardfout",
    "model": "standaardfout van het model",
}
TIMES = ("rmst", "rmtl")  # differences in time, not in people


def method_text(context: Context, result: Result) -> dict[str, str]:
    """`nl` and `en`: what was done, on how many rows, with which standard error, and the effect in people."""
    found = methods()[context.analysis.method]
    nl, en = [found.nl], [found.en]
    if not (context.analysis.covariates or context.analysis.fixed_effects):
        nl, en = [found.nl.replace(*NONE_NAMED[0])], [found.en.replace(*NONE_NAMED[1])]
    parts = (_outcome(context), _rows(result), _waves(context, result), _errors(context, result), _status(context))
    for more_nl, more_en in parts:
        nl += [more_nl] if more_nl else []
        en += [more_en] if more_en else []
    for row in hundreds(context, result):
        nl.append(_hundred_nl(row, context.analysis.level))
        en.append(_hundred_en(row, context.analysis.level))
    return {"nl": " ".join(nl), "en": " ".join(en)}


def _outcome(context: Context) -> tuple[str, str]:
    analysis = context.analysis
    if context.table is None or (analysis.outcome is None and analysis.outcomes is None):
        return "", ""
    try:
        names = ", ".join(label(ref) for ref in context.outcome_refs())
    except Refused:
        return "", ""
    control = context.key("control")
    against_nl, against_en = (f", vergeleken met {control}", f", compared with {control}") if control else ("", "")
    return f"Uitkomst: {names}{against_nl}.", f"Outcome: {names}{against_en}."


def _rows(result: Result) -> tuple[str, str]:
    if result.n_used is None:
        return "", ""
    return (
        f"Gebruikt: {result.n_used} van de {result.n_rows} rijen.",
        f"Used: {result.n_used} of {result.n_rows} rows.",
    )


def _waves(context: Context, result: Result) -> tuple[str, str]:
    """How the waves of one person hang together in the model, which may be simpler than the plan asked for."""
    shape = COVARIANCES.get(str(result.details.get("structure")))
    if shape is None:
        return "", ""
    rule = context.analysis.df or "satterthwaite"
    df = {"satterthwaite": "Satterthwaite", "kenward_roger": "Kenward-Roger (linear)"}.get(str(rule))
    nl_df = f" Vrijheidsgraden: {df}." if df else ""
    en_df = f" Degrees of freedom: {df}." if df else ""
    return f"De covariantie van de metingen is geschat {shape[0]}.{nl_df}", f"Covariance: {shape[1]}.{en_df}"


def _errors(context: Context, result: Result) -> tuple[str, str]:
    se = result.details.get("se") or context.analysis.se
    percent = f"{100 * context.analysis.level:g}"
    if not any(row.conf_low is not None or row.conf_high is not None for row in result.rows):
        return "", ""
    nl = f"Het interval is een {percent}%-interval" + (
        f" met {ERRORS.get(str(se), f'standaardfout {se}')}." if se else "."
    )
    en = f"The interval is a {percent}% interval" + (f" with standard error {se}." if se else ".")
    if context.key("cluster") is not None and not context.uses_cluster:
        cluster = label(context.key("cluster"))
        together = {"household": "huishouden"}.get(cluster, cluster)
        nl += f" Die telt iedereen apart: dat mensen bij elkaar horen ({together}), rekent zij niet mee."
        en += f" It counts everybody apart: that people belong together ({cluster}) is left out of it."
    return nl, en


def _status(context: Context) -> tuple[str, str]:
    if not context.analysis.exploratory:
        return "", ""
    return "Deze analyse was niet vooraf vastgelegd.", "This analysis was not planned beforehand."


def hundreds(context: Context, result: Result) -> list[Row]:
    """Rows that say how many more people of every hundred: differences of a 0/1 outcome with an interval."""
    arms = result.details.get("arms", {})
    if not arms or context.analysis.method in TIMES or not all("events" in part for part in arms.values()):
        return []
    return [
        row
        for row in result.rows
        if row.term in arms
        and row.measure in MEASURES
        and row.ratio is None
        and row.estimate is not None
        and abs(row.estimate) <= 1
        and row.conf_low is not None
        and row.conf_high is not None
    ]


def _count(value: float | None) -> int:
    return round(100 * abs(value or 0.0))


def _amount_nl(value: float | None) -> str:
    return "evenveel" if _count(value) == 0 else f"{_count(value)} {'meer' if (value or 0) > 0 else 'minder'}"


def _amount_en(value: float | None) -> str:
    return "as many" if _count(value) == 0 else f"{_count(value)} {'more' if (value or 0) > 0 else 'fewer'}"


def _what_nl(row: Row) -> str:
    what = f"{_amount_nl(row.estimate)} "
    what += "deze uitkomst" if row.event is None else f"uitgestroomd door oorzaak {row.event}"
    return what if row.at is None else f"{what} (tot en met tijdstip {f'{row.at:g}'.replace('.', ',')})"


def _what_en(row: Row) -> str:
    what = "this outcome" if row.event is None else f"exit {row.event}"
    return what if row.at is None else f"{what} (up to time {row.at:g})"


def _hundred_nl(row: Row, level: float) -> str:
    verb = "hebben" if row.event is None else "zijn"
    than = "als" if _count(row.estimate) == 0 else "dan"
    return (
        f"Van elke 100 deelnemers in groep {row.term} {verb} er naar schatting {_what_nl(row)} "
        f"{than} in de controlegroep "
        f"({100 * level:g}%-interval: {_amount_nl(row.conf_low)} tot {_amount_nl(row.conf_high)})."
    )


def _hundred_en(row: Row, level: float) -> str:
    than = "as" if _count(row.estimate) == 0 else "than"
    return (
        f"Of every 100 participants in arm {row.term} an estimated {_amount_en(row.estimate)} have {_what_en(row)} "
        f"{than} in the control arm "
        f"({100 * level:g}% interval: {_amount_en(row.conf_low)} to {_amount_en(row.conf_high)})."
    )
