"""`verify_privacy`, the same in every process; each looks at what it can see."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from surveys.promise_words import WORDS
from surveys.promises import Finding, Verdict


class PrivacyCommand(BaseCommand):
    """Prints each promise with its verdict and evidence; exit code 1 when one is broken."""

    help = "Say which promises to participants hold in this deployment, with the evidence, as seen from this process."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--language", choices=sorted(WORDS), default="nl")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def findings(self) -> Iterator[Finding]:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        words = WORDS[options["language"]]
        found = list(self.findings())
        verdicts = {one.verdict for one in found}
        if options["format"] == "json":
            rows = [
                {"promise": one.promise, "verdict": str(one.verdict), "evidence": words.get(one.evidence, one.evidence)}
                for one in found
            ]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            for one in found:
                self.stdout.write(f"{words[one.verdict]:<15} {words[one.promise]}")
                self.stdout.write(f"{'':<15} {words['evidence']}: {words.get(one.evidence, one.evidence)}")
            key = "some_broken" if Verdict.BROKEN in verdicts else "all_hold"
            key = "some_depend" if verdicts == {Verdict.HOLDS, Verdict.DEPENDS} else key
            self.stdout.write(f"\n{words[key]}")
        if Verdict.BROKEN in verdicts:
            sys.exit(1)
