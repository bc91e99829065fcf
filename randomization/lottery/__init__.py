"""Lots that anyone can replay (VLOT-1), without Django or a database; `docs/lottery.md` tells how to use them.

`stream` words, fair numbers, shuffles; `design` the declared method; `draw` freeze, commit, draw; `record` the file;
`sequential` places under seals; `verify` the independent replay for a bare Python.
"""
