"""Survival, repeated measures and missing data: whole analyses of a plan beside the usual tool, in one run.

Run with `python bench/estimators_repeated.py` from the top of the repository. A row fails above three times
its target in seconds.
"""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.imputation.mice import MICEData

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.estimators.plan_reading import plan_of
from analysis.estimators.run import run_plan
from analysis.estimators.tables import Table, table_of
from trialmgr.core.documents import Document

ARMS = np.array(["A", "B", "C", "D"])
WAVES = ["w1", "w2", "w3"]
MONTHS = [f"m{month:02d}" for month in range(1, 25)]
REPEATS = 3
SLACK = 3
SMALL_TRIAL, CITIES = 800, 5_000


@dataclass(frozen=True)
class Case:
    """One line of the table: our analysis, the usual tool, and the seconds aimed at on a quiet machine."""

    name: str
    ours: Callable[[], object]
    tool: str
    reference: Callable[[], float]
    target: float


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Best wall time of `repeats` runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def trial(n: int) -> pd.DataFrame:
    """Four arms, households, 40 strata, three waves with gaps, an exit, a register of 24 months, 15 questions."""
    rng = np.random.default_rng(20260101)
    level = rng.normal(size=(n, 1))
    data = pd.DataFrame({"arm": rng.choice(ARMS, n), "home": np.sort(rng.integers(0, int(n * 0.8), n))})
    data["stratum"] = [f"s{code:02d}" for code in rng.integers(0, 40, n)]
    data["w0"] = level[:, 0] + rng.normal(size=n)
    data["day"] = np.ceil(rng.exponential(500, n)).clip(max=730)
    data["cause"] = np.where(data["day"] < 730, rng.integers(1, 3, n), 0)
    data["left"] = (data["cause"] > 0).astype(int)
    waves = pd.DataFrame(gaps(rng, level + rng.normal(size=(n, 3)), 0.25), columns=WAVES)
    months = pd.DataFrame((level + rng.normal(size=(n, 24)) > 1).astype(float), columns=MONTHS)
    answers = level + rng.normal(size=(n, 15))
    answers[:, :10] = gaps(rng, answers[:, :10], 0.25)
    return pd.concat([data, waves, months, pd.DataFrame(answers, columns=[f"q{j:02d}" for j in range(15)])], axis=1)


def gaps(rng: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    return np.where(rng.random(values.shape) < share, np.nan, values)


def analysis(table: Table, **keys: Any) -> Callable[[], object]:
    """A run of one analysis of a plan, from the table to its rows; an analysis that is refused stops the benchmark."""
    data = {"arm": "arm", "control": "A"}
    plan = plan_of(Document(Path("bench.yaml"), {"version": 1, "data": data, "analyses": [{"id": "a", **keys}]}))

    def work() -> object:
        found = run_plan(plan, table).analyses[0]
        if found.refused:
            raise SystemExit(f"{found.method}: {found.refused}")
        return found

    return work


def dummies(data: pd.DataFrame, *names: str) -> np.ndarray:
    return pd.get_dummies(data[list(names)], drop_first=True).to_numpy(float)


def mixed_model(data: pd.DataFrame) -> float:
    """Statsmodels' nearest: a random intercept, so compound symmetry instead of a free covariance."""
    long = data.melt(id_vars=["arm", "w0"], value_vars=WAVES, ignore_index=False).dropna()
    design = pd.get_dummies(long["variable"] + long["arm"]).to_numpy(float)
    design = np.column_stack([design, long["w0"]])
    return seconds(lambda: sm.MixedLM(long["value"].to_numpy(), design, groups=long.index.to_numpy()).fit(reml=True))


def cox(data: pd.DataFrame) -> float:
    design = np.column_stack([dummies(data, "arm"), data["w0"]])
    model = PHReg(data["day"], design, status=data["left"], strata=data["stratum"], ties="efron")
    return seconds(lambda: model.fit(groups=data["home"]), REPEATS)


def mice(data: pd.DataFrame) -> float:
    """70 rounds, as 20 imputations with a burn-in of 10 and 3 between take, from the time of two."""
    answers = data.filter(regex="^q").copy()

    def rounds() -> None:
        MICEData(answers).update_all(2)

    return seconds(rounds) * 35


def monthly(data: pd.DataFrame) -> float:
    design = np.column_stack([np.ones(len(data)), dummies(data, "arm", "stratum"), data["w0"]])

    def fits() -> None:
        for month in MONTHS:
            sm.OLS(data[month].to_numpy(), design).fit(cov_type="cluster", cov_kwds={"groups": data["home"].to_numpy()})

    return seconds(fits)


def bootstrap_loop(data: pd.DataFrame) -> float:
    """Lee's bounds in a loop over draws of persons, 9,999 of them from the time of 200."""
    pair = data[data["arm"].isin(["A", "B"])]
    treated, y = (pair["arm"] == "B").to_numpy(), pair["w3"].to_numpy()
    rng = np.random.default_rng(1)

    def draws() -> None:
        for _ in range(200):
            rows = rng.integers(0, len(y), len(y))
            t, values = treated[rows], y[rows]
            arm, control = np.sort(values[t & ~np.isnan(values)]), np.sort(values[~t & ~np.isnan(values)])
            keep = int(len(arm) * min((len(control) / (~t).sum()) / (len(arm) / t.sum()), 1.0))
            arm[:keep].mean() - control.mean(), arm[-keep:].mean() - control.mean()

    return seconds(draws) * 9_999 / 200


def cases(n: int) -> list[Case]:
    data = trial(n)
    table = table_of({name: data[name].to_numpy() for name in data})
    strata = {"fixed_effects": ["stratum"]}
    questions = [f"q{j:02d}" for j in range(15)]
    imputation = {"columns": questions[:10], "predictors": questions[10:], "by_arm": False}
    exits = {"time": "day", "event": "left"}
    small = n == SMALL_TRIAL
    mmrm = {"method": "mmrm", "outcomes": WAVES, "baseline": "w0", **strata}
    register = {"method": "monthly_itt", "outcomes": MONTHS, "covariates": ["w0"], "cluster": "home", **strata}
    return [
        Case(
            "MMRM unstructured, Satterthwaite",
            analysis(table, **mmrm),
            "MixedLM random intercept",
            lambda: mixed_model(data),
            0.5 if small else 1.0,
        ),
        Case(
            "MMRM unstructured, Kenward-Roger",
            analysis(table, **mmrm, df="kenward_roger"),
            "MixedLM random intercept",
            lambda: mixed_model(data),
            0.5 if small else 1.0,
        ),
        Case(
            "imputation m=20, 10 of 15 columns",
            analysis(table, method="multiple_imputation", outcome="q00", imputation=imputation),
            "MICEData (70 rounds)",
            lambda: mice(data),
            2.0 if small else 5.0,
        ),
        Case(
            "Cox, 40 strata, households",
            analysis(table, method="cox", covariates=["w0"], strata="stratum", cluster="home", **exits),
            "PHReg",
            lambda: cox(data),
            1.0,
        ),
        Case(
            "monthly ITT, 24 months, CR2, band",
            analysis(table, **register),
            "OLS loop, CR1S, no band",
            lambda: monthly(data),
            5.0,
        ),
        Case(
            "Lee bounds, 9,999 draws",
            analysis(table, method="lee_bounds", outcome="w3", cluster="home", treatment="B"),
            "loop over draws",
            lambda: bootstrap_loop(data),
            5.0,
        ),
    ]


def main() -> int:
    warnings.simplefilter("ignore")
    lines = [f"{'name':<46} | {'ours s':>8} | {'reference s':>11} | {'ratio':>7} | reference"]
    slow = []
    for n in (SMALL_TRIAL, CITIES):
        for case in cases(n):
            ours, reference = seconds(case.ours, REPEATS), case.reference()
            name = f"{case.name}, n = {n:,}"
            lines.append(f"{name:<46} | {ours:8.3f} | {reference:11.3f} | {reference / ours:7.1f} | {case.tool}")
            if ours > SLACK * case.target:
                slow.append(f"{name}: {ours:.2f} s, target {case.target} s")
    sys.stdout.write("\n".join([*lines, *slow]) + "\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
