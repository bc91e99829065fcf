"""Pooling, planning, looks, balance and rehearsal: ours beside the usual tool, in one run.

Run with `python bench/estimators_more.py` from the top of the repository. A row fails above three times its target.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.power import TTestIndPower

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.estimators.group_sequential import boundary
from analysis.estimators.plan_reading import plan_of
from analysis.estimators.power_formulas import Design, Means, persons_for
from analysis.estimators.random_effects import Sites, pool_sites
from analysis.estimators.rehearsal.description import Description
from analysis.estimators.rehearsal.rehearse import draw_of, rehearse
from analysis.estimators.run import run_plan
from analysis.estimators.tables import table_of
from trialmgr.core.documents import Document

SLACK = 3
THIRDS = (1 / 3, 2 / 3, 1.0)
DRAWS = 40
WORLD = Description.model_validate(
    {"persons": 800, "arms": ["A", "B", "C", "D"], "control": "A", "waves": {"names": ["wb0", "wb2"], "sd": 2}}
)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Best wall time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def analysis(data: dict[str, Any], **keys: Any) -> Callable[[], object]:
    """One analysis of a plan on a table in memory."""
    whole = {"data": {"arm": "arm", "control": "A"}, "analyses": [{"id": "a", **keys}]}
    plan, table = plan_of(Document(Path("bench.yaml"), whole)), table_of(data)
    return lambda: run_plan(plan, table)


def by_multivariate_normal() -> list[float]:
    """The same boundaries by the distribution function of scipy, a look at a time."""
    t = np.array(THIRDS)
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    spent = 2 * stats.norm.sf(stats.norm.ppf(1 - 0.025 / 2) / np.sqrt(t))
    z: list[float] = [float(stats.norm.isf(spent[0]))]
    for look in (2, 3):
        law = stats.multivariate_normal(cov=correlation[:look, :look])
        inside = 1 - spent[look - 1]
        z.append(float(optimize.brentq(lambda v, law=law, inside=inside: law.cdf([*z, v]) - inside, 1, 5, xtol=1e-6)))
    return z


def loop_of_fits() -> None:
    """Simulated trials analysed one by one with statsmodels."""
    for number in range(DRAWS):
        table = draw_of(WORLD, 1, number)
        codes = table.column("arm").levels().codes
        X = np.column_stack([codes == k for k in range(4)] + [table.column("wb0").numbers()]).astype(float)
        X[:, 0] = 1
        sm.OLS(table.column("wb2").numbers(), X).fit(cov_type="HC2", use_t=True).summary()


def main() -> int:
    """Print the table; 1 when a row is slower than three times its target."""
    rng = np.random.default_rng(20260102)
    y, v = rng.normal(0.2, 0.3, 40), rng.uniform(0.01, 0.1, 40)
    sites = Sites(y, v, np.ones((40, 1)))
    n = 5_000
    people = {"arm": list(rng.choice(list("ABCD"), n))} | {f"x{k}": rng.normal(size=n) for k in range(8)}
    balance = {"method": "balance_omnibus", "covariates": [f"x{k}" for k in range(8)], "test": "randomization"}
    chi = {**balance, "test": "chi_square"}
    plan = plan_of(
        Document(
            Path("bench.yaml"),
            {
                "data": {"arm": "arm", "control": "A"},
                "analyses": [{"id": "a", "method": "ols", "outcome": "wb2", "covariates": ["wb0"]}],
            },
        )
    )
    rows = [
        ("REML over 40 sites", lambda: pool_sites(sites, "REML", hksj=True, floor=False), "statsmodels, Paule-Mandel",
         lambda: combine_effects(y, v, method_re="iterated"), 0.02),
        ("persons for a power", lambda: persons_for(Means((1.0, 1.0)), Design(), 0.3, 0.8, 1.0), "statsmodels",
         lambda: TTestIndPower().solve_power(0.3, power=0.8, alpha=0.05), 0.02),
        ("three looks", lambda: boundary("spending_obrien_fleming", THIRDS, 0.025, False), "scipy mvn",
         by_multivariate_normal, 0.05),
        ("balance, 9,999 draws of 5,000", analysis(people, **balance), "without drawing", analysis(people, **chi), 4.0),
        (f"rehearsal, {DRAWS} trials of 800", lambda: rehearse(WORLD, plan, draws=DRAWS, cores=1), "statsmodels loop",
         loop_of_fits, 2.0),
    ]  # fmt: skip
    late = False
    for name, ours, tool, reference, target in rows:
        own, other = seconds(ours), seconds(reference)
        late |= own > SLACK * target
        sys.stdout.write(
            f"{name:32} | {own:8.4f} s | {tool}: {other:8.4f} s | {own / other:6.2f} | target {target} s\n"
        )
        sys.stdout.flush()
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
