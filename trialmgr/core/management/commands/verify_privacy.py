"""Say which promises to participants hold in this deployment, with the evidence."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from trialmgr.core import privacy
from trialmgr.core.commands import ToolCommand
from trialmgr.core.documents import read_document
from trialmgr.core.errors import BadInput, Fault

YES, NO = _("holds   "), _("FAILS   ")
LEVELS = {
    "none": _("No level: both sides share one database cluster. The promise does not hold here."),
    "L0": _("Level L0: one machine. Good for a demonstration or pilot; whoever runs it can join both sides."),
    "L1": _("Level L1: two machines, one operator. It protects against faults and theft, not against the operator."),
    "L2": _("Level L2: two operators. Only both together could find out who gave which answers."),
}


class Command(ToolCommand):
    help = (
        "Check the promises that this side can show; --other holds both sides together. Exit 1 when they do not hold."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--evidence", type=Path, help="write this side's evidence to a file for the other side")
        parser.add_argument("--other", type=Path, help="the evidence file of the other side")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PROCESS not in privacy.SIDE:
            raise BadInput(
                Fault("verify_privacy", "runs as the office or the research process", "set TRIALMGR_PROCESS")
            )
        found, own = privacy.findings(), privacy.evidence()
        self._print(found)
        if options["evidence"]:
            _write(options["evidence"], own)
        level = ""
        if options["other"]:
            level, together = privacy.compare(own, _read(options["other"]))
            self._print(together)
            self.stdout.write(str(LEVELS[level]))
        if level == "none" or not all(one.holds for one in found):
            sys.exit(1)

    def _print(self, found: list[privacy.Finding]) -> None:
        for one in found:
            self.stdout.write(f"{YES if one.holds else NO} {one.promise} ({one.evidence})")


def _write(path: Path, own: dict[str, str]) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(own, indent=2, sort_keys=True) + "\n", "utf-8")
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    data = read_document(path).data
    wanted = {"side", "cluster", "host", "account", "operator", "backup_keys"}
    if not isinstance(data, dict) or set(data) != wanted:
        raise BadInput(Fault(path.name, "is not evidence of the other side", "give the file that --evidence wrote"))
    return {key: str(value) for key, value in data.items()}
