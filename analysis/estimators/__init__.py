"""Estimators of effects: pure functions from a plan and a data set to results.

`run.run_file` runs the analyses of a plan file; `docs/estimators-internals.md` says how to add a method.
"""
