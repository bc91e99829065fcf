"""`rehearse DESCRIPTION PLAN`: run an analysis plan on many simulated trials whose truth is known."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from analysis.estimators.plan_reading import read_plan
from analysis.estimators.rehearsal.description import Description, read_description
from analysis.estimators.rehearsal.rehearse import rehearse
from analysis.estimators.rehearsal.simulate import simulate
from analysis.estimators.results import plain
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.output import write_whole


class Command(ToolCommand):
    help = "Rehearse a trial: power, bias, coverage and detectable effects of an analysis plan on simulated trials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("description", help="the trial to simulate (YAML or JSON)")
        parser.add_argument("plan", nargs="?", help="the plan file; left out with --one")
        parser.add_argument("--draws", type=int, default=1000, help="number of simulated trials (default 1000)")
        parser.add_argument("--seed", type=int, default=1, help="seed of the draws (default 1)")
        parser.add_argument("--cores", type=int, help="number of cores (default all)")
        parser.add_argument("--one", type=Path, help="only write the data of one simulated trial to this CSV file")
        parser.add_argument("--out", type=Path, help="write to this file instead of standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        world = read_description(options["description"])
        if options["one"] is not None:
            write_whole(options["one"], one_trial(world, options["seed"]))
            return
        if options["plan"] is None or options["draws"] < 1 or options["seed"] < 0:
            raise BadInput(Fault("rehearse", "needs a plan, at least one draw and a seed of 0 or more", "see --help"))
        plan = read_plan(options["plan"])
        chosen = {name: options[name] for name in ("draws", "seed", "cores")}
        found = rehearse(world, plan, **chosen, progress=self.stderr.write)
        rows = [{name: getattr(row, name) for name in row.__slots__} for row in found.rows]
        whole = {"seed": found.seed, "draws": found.draws, "rows": rows, "refused": found.refused}
        text = json.dumps(plain(whole), ensure_ascii=False, indent=1) + "\n"
        if options["out"] is None:
            self.stdout.write(text, ending="")
        else:
            write_whole(options["out"], text)


def one_trial(world: Description, seed: int) -> str:
    """The first draw of a seed as CSV."""
    import io

    import numpy as np

    columns = simulate(world, np.random.default_rng([seed, 0]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        ["" if isinstance(value, float) and np.isnan(value) else value for value in line]
        for line in zip(*columns.values(), strict=True)
    )
    return out.getvalue()
