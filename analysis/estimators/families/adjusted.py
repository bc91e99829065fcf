"""Effects adjusted for covariates and fixed effects."""

from analysis.estimators.effects import Build, arm_fits, arm_row, joint_of, lin_design, ols_design, term_rows
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row


@method(
    "ols",
    nl="Het effect komt uit een lineaire regressie met de groepen en de genoemde kenmerken.",
    en="The effect comes from a linear regression on the arms and the covariates named.",
)
def ols(context: Context) -> Report:
    """All arms in one least-squares fit with covariates and fixed effects."""
    return _regression(context, ols_design)


@method(
    "lin",
    nl="Het effect komt uit een lineaire regressie waarin elk kenmerk per groep een eigen helling heeft (Lin 2013).",
    en="The effect comes from a linear regression in which each covariate has its own slope in each arm (Lin 2013).",
)
def lin(context: Context) -> Report:
    """Regression with centred covariates and their products with each arm (Lin 2013)."""
    return _regression(context, lin_design)


def _regression(context: Context, build: Build) -> Report:
    sample = context.sample()
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    r2: dict[str, float] = {}
    joint = None
    for fitted in arm_fits(context, sample, build):
        own = [arm_row(context, fitted, arm) for arm in arms]
        joint = None if context.several else joint_of(context, own, fitted)
        rows += own + term_rows(context, fitted)
        r2[fitted.outcome] = fitted.fit.r2
    return Report(tuple(rows), {"r2": r2 if context.several else next(iter(r2.values()))}, joint=joint)
