"""Fills a new demo with an invented trial, through the services that people's pages call.

Each step is one module with `run()`, and runs in the process that does it in life: the office never sees an
answer here either, and the survey knows people by the link in their mail only.
"""
