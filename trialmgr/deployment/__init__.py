"""What every process has beside its own apps: the preparing of a release, and what `check --deploy` asks of one."""
