"""Rehearsal: simulate a trial whose truth is known, run the plan on many draws of it, see how well the plan does."""
