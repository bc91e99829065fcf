"""Draw lots on a spreadsheet, without a database, so that anyone can replay them."""

import csv
import fcntl
import io
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from randomization.lottery.advice import advise
from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen, commit, draw, freeze, new_secret
from randomization.lottery.explain import Language, explain
from randomization.lottery.files import (
    is_open_to_others,
    read_record,
    read_secret,
    read_text,
    write_secret,
    write_whole,
)
from randomization.lottery.lists import READERS, Expected, list_of, to_redcap
from randomization.lottery.record import Record, record_data
from randomization.lottery.sequential import announce, close, reveal, seal
from randomization.lottery.tables import UnitTable, read_places, read_units
from randomization.lottery.verify import Difference, check
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault

MOST_LINES = 200


class Command(ToolCommand):
    help = "Draws lots that anyone can replay: commit, publish the record, draw with a public beacon, verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        self._files(actions.add_parser("commit", help="fix the list and a secret; writes the record to publish"))
        drawing = self._files(actions.add_parser("draw", help="draw the arms with the beacon; completes the record"))
        drawing.add_argument("--beacon", required=True, help="the public event, as round:randomness in hex")
        verifying = actions.add_parser("verify", help="replay a record")
        verifying.add_argument("record", type=Path)
        verifying.add_argument("--published", type=Path, help="the record as it was before the draw")
        revealing = self._opening(actions.add_parser("reveal-slot", help="give the next place to one unit"))
        revealing.add_argument("--unit", required=True, help="the unit, registered for good")
        revealing.add_argument("--stratum", default="all")
        self._opening(actions.add_parser("close", help="end the enrolment and publish the secret"))
        exporting = self._opening(actions.add_parser("export", help="write the arms as a REDCap allocation table"))
        exporting.add_argument("--out", type=Path, required=True)
        exporting.add_argument("--columns", default="stratum", help="names for the parts of a stratum `a|b`")
        importing = actions.add_parser("import-list", help="read an allocation list made elsewhere")
        importing.add_argument("list", type=Path)
        importing.add_argument("--format", choices=sorted(READERS), required=True)
        importing.add_argument("--expected", type=Path, help="YAML with arms, strata or sites that may occur")
        importing.add_argument("--out", type=Path, required=True, help="CSV with stratum columns, place, label, arm")
        advising = actions.add_parser("advise", help="what the design is worth on this list, before anything is drawn")
        advising.add_argument("units", type=Path)
        advising.add_argument("design", type=Path)
        advising.add_argument("--language", choices=("nl", "en"), default="en")

    def handle(self, *, action: str, **options: Any) -> None:
        getattr(self, f"_{action.replace('-', '_')}")(**options)

    @staticmethod
    def _files(parser: ArgumentParser) -> ArgumentParser:
        parser.add_argument("units", type=Path, help="CSV with unit, stratum and the columns of the design")
        parser.add_argument("design", type=Path, help="YAML with arms, ratio, method")
        parser.add_argument("--out", type=Path, required=True, help="the record")
        parser.add_argument("--secret-file", type=Path, help="64 hex digits; without it one is made beside the record")
        parser.add_argument("--event", help="the number of the public event that will be the beacon")
        parser.add_argument("--after", type=Path, help="the record of the batch before this one")
        return parser

    @staticmethod
    def _opening(parser: ArgumentParser) -> ArgumentParser:
        parser.add_argument("record", type=Path)
        parser.add_argument("--secret-file", type=Path, help="default: beside the record")
        return parser

    def _commit(self, *, out: Path, secret_file: Path | None, event: str | None, **files: Any) -> None:
        if out.exists():
            raise BadInput(Fault(str(out), "exists already", "give another --out; a commitment is never replaced"))
        publish, _ = self._prepared(event=event, **files)
        path = secret_file or _unused(out.with_suffix(".secret"))
        secret, made = self._secret(path, may_be_new=True)
        record = publish(secret)
        self._store(out, record, path if made else None, secret)
        for name in ("params_hash", "list_hash", "commitment"):
            self.stdout.write(f"{name} {getattr(record, name)}")

    def _draw(self, *, out: Path, secret_file: Path | None, event: str | None, beacon: str, **files: Any) -> None:
        published = _true_record(out) if out.exists() else None
        publish, table = self._prepared(event=event or (published.event if published else None), **files)
        beside = out.with_suffix(".secret")
        path = secret_file or (beside if published else _unused(beside))
        secret, made = self._secret(path, may_be_new=secret_file is None and published is None)
        record = publish(secret)
        self._compare(out, published, record)
        drawn = seal(record, secret, beacon) if record.is_sequential else draw(record, secret, beacon)
        if published and published.is_drawn:
            self._require_unchanged(out, published, drawn)
        else:
            self._store(out, drawn, path if made else None, secret)
        if published is None:
            self.stderr.write("note: nothing was published before this draw, so the secret could have been chosen")
        self._report(drawn, table.persons if table else {})

    def _verify(self, *, record: Path, published: Path | None, **_: Any) -> None:
        files = [record_data(read_text(path), path.name) for path in (record, published) if path]
        try:
            found = check(*files)
        except Difference as difference:
            self.stdout.write(str(difference))
            sys.exit(1)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            self.stdout.write(f"record: is no lottery: {error!r}")
            sys.exit(1)
        self.stdout.write(f"verified: {found}")
        for key in ("params_hash", "list_hash", "commitment", "event", "result_hash"):
            if key in files[0]:
                self.stdout.write(f"{key} {files[0][key]}")

    def _reveal_slot(self, *, record: Path, secret_file: Path | None, unit: str, stratum: str, **_: Any) -> None:
        path = secret_file or record.with_suffix(".secret")
        with _alone(path):
            after, place = reveal(read_record(record), read_secret(path), unit=unit, stratum=stratum)
            write_whole(record, after.to_json())
        self.stdout.write(f"{place.stratum} {place.number} {place.unit} {place.arm} key {place.key}")

    def _close(self, *, record: Path, secret_file: Path | None, **_: Any) -> None:
        path = secret_file or record.with_suffix(".secret")
        with _alone(path):
            closed = close(read_record(record), read_secret(path))
            write_whole(record, closed.to_json())
        self._report(closed, {})

    def _export(self, *, record: Path, secret_file: Path | None, out: Path, columns: str, **_: Any) -> None:
        drawn = read_record(record)
        sealed = drawn.is_sequential and drawn.secret is None
        secret = read_secret(secret_file or record.with_suffix(".secret")) if sealed else None
        write_whole(out, to_redcap(list_of(drawn, columns.split(","), secret)), private=True)

    def _import_list(self, *, list: Path, format: str, expected: Path | None, out: Path, **_: Any) -> None:  # noqa: A002
        places = READERS[format](list, Expected.read(expected) if expected else None)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*places.columns, "place", "label", "arm"])
        writer.writerows([*place.stratum, place.number, place.label, place.arm] for place in places.places)
        write_whole(out, text.getvalue(), private=True)
        strata = {place.stratum for place in places.places}
        self.stdout.write(f"{len(places.places)} places in {len(strata)} strata")

    def _advise(self, *, units: Path, design: Path, language: Language, **_: Any) -> None:
        rules = Design.read(design)
        if rules.mode == "sequential":
            sizes = read_places(units)
        else:
            table = read_units(units, rules)
            sizes = dict(Counter(row[1] for row in freeze(table.rows, rules, where=table.where).units))
        self.stdout.write("\n\n".join(explain(rules, language, strata=len(sizes))) + "\n")
        for advice in advise(rules, sizes):
            mark = "! " if advice.warns else "- "
            self.stdout.write(mark + (advice.nl if language == "nl" else advice.en))

    def _prepared(
        self, *, units: Path, design: Path, event: str | None, after: Path | None, **_: Any
    ) -> tuple[Callable[[bytes], Record], UnitTable | None]:
        """How to make the published record once the secret is known, and the units it was read from."""
        rules = Design.read(design)
        if rules.mode == "sequential":
            places = read_places(units)
            return lambda secret: announce(places, rules, secret, event=event), None
        table = read_units(units, rules)
        if not table.rows:
            raise BadInput(Fault(f"{table.name}:1", "has no units", "give a line for each unit below the names"))
        earlier = _true_record(after) if after else None
        frozen: Frozen = freeze(table.rows, rules, after=earlier, where=table.where)
        return lambda secret: commit(frozen, secret, event=event), table

    def _secret(self, path: Path, *, may_be_new: bool) -> tuple[bytes, bool]:
        if may_be_new and not path.exists():
            return new_secret(), True
        secret = read_secret(path)
        if is_open_to_others(path):
            self.stderr.write(f"warning: {path}: others on this machine can read the secret: chmod 600 it")
        return secret, False

    def _compare(self, out: Path, published: Record | None, record: Record) -> None:
        """Refuse to draw another list or design than the one that was published in `out`."""
        for key, what in (
            ("params_hash", "another design"),
            ("list_hash", "another list"),
            ("commitment", "another secret"),
            ("event", "another event"),
        ):
            if published and getattr(published, key) != getattr(record, key):
                raise BadInput(Fault(str(out), f"was published with {what}", "draw what was published, or a new --out"))

    @staticmethod
    def _require_unchanged(out: Path, before: Record, now: Record) -> None:
        if replace(before, revealed=None) != replace(now, revealed=None):
            raise BadInput(Fault(str(out), "is drawn already", "a list is drawn once; nothing was changed"))

    @staticmethod
    def _store(out: Path, record: Record, new_secret_file: Path | None, secret: bytes) -> None:
        if new_secret_file:
            write_secret(new_secret_file, secret)
        write_whole(out, record.to_json())

    def _report(self, record: Record, persons: Mapping[str, list[str]]) -> None:
        if record.is_sequential and not record.result:
            self.stdout.write(f"{sum(places for _, places in record.strata)} places sealed")
            return
        heads = Counter[tuple[str, str]]()
        for unit, stratum, arm in record.result or ():
            heads[stratum, arm] += len(persons.get(unit, ()))
        counts = sorted(record.counts().items())
        for (stratum, arm), units in counts[:MOST_LINES]:
            people = f", {heads[stratum, arm]} persons" if persons else ""
            self.stdout.write(f"{stratum}: {arm}: {units} units{people}")
        if len(counts) > MOST_LINES:
            self.stdout.write(f"and {len(counts) - MOST_LINES} lines more: {len(record.result or ())} units in all")


def _true_record(path: Path) -> Record:
    """A record to go on from, after replaying it. Raises BadInput when it is not true."""
    record = read_record(path)
    try:
        check(record_data(read_text(path), path.name))
    except Difference as difference:
        raise BadInput(Fault(path.name, str(difference), "go on from the record as it was written")) from None
    return record


def _unused(secret: Path) -> Path:
    """The secret of one lottery must not decide another."""
    if secret.exists():
        raise BadInput(Fault(str(secret), "exists already", "name it with --secret-file, or move it away"))
    return secret


@contextmanager
def _alone(secret: Path) -> Iterator[None]:
    """Hold back other processes that would give out a place with the same secret at the same moment."""
    try:
        file = secret.open("rb")
    except OSError as error:
        raise BadInput(Fault(str(secret), f"cannot be read ({error.strerror})", "give the secret file")) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
