"""`manage.py instrument import FILE` and `instrument export FILE.yaml --to redcap|xlsform`."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from surveys.instruments.exchange.files import csv_text, import_file, workbook_bytes, workbook_csv
from surveys.instruments.exchange.redcap_write import write_dictionary
from surveys.instruments.exchange.xlsform_write import write_workbook
from surveys.instruments.exchange.yaml_file import to_yaml
from surveys.instruments.loading import load_instrument
from surveys.instruments.schema import Instrument
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.output import written_whole


class Command(ToolCommand):
    help = "Bring an instrument in from an XLSForm or a REDCap data dictionary, or write one as such."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="import|export")
        reading = actions.add_parser("import", help="read an XLSForm or a data dictionary (.csv, .xlsx, .xls)")
        reading.add_argument("file", metavar="FILE", type=Path)
        reading.add_argument("--out", metavar="FILE.yaml", type=Path, help="write here; without it, to standard output")
        reading.add_argument("--language", default="en", help="of texts whose language the file does not name (en)")
        writing = actions.add_parser("export", help="write an instrument for another tool")
        writing.add_argument("file", metavar="FILE.yaml")
        writing.add_argument("--to", choices=["redcap", "xlsform"], required=True)
        writing.add_argument("--out", metavar="FILE", type=Path, help=".csv, or .xlsx; without it, to standard output")
        writing.add_argument("--language", help="of the texts; a data dictionary has one, an XLSForm may have all")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "import":
            imported = import_file(options["file"], options["language"])
            self._note(imported.notes)
            self._write(to_yaml(imported.instrument), options["out"])
            return
        instrument = load_instrument(options["file"])
        _check_language(instrument, options["language"])
        write = self._export_redcap if options["to"] == "redcap" else self._export_xlsform
        write(instrument, options["language"], options["out"])

    def _export_redcap(self, instrument: Instrument, language: str | None, out: Path | None) -> None:
        rows, notes = write_dictionary(instrument, language or instrument.languages[0])
        self._note(notes)
        self._write(csv_text(rows), out)

    def _export_xlsform(self, instrument: Instrument, language: str | None, out: Path | None) -> None:
        book, notes = write_workbook(instrument, language)
        self._note(notes)
        if out is not None and out.suffix.lower() == ".csv":
            self._write(workbook_csv(book), out)
        elif out is not None:
            if out.suffix.lower() != ".xlsx":
                raise BadInput(Fault(str(out), "is neither .xlsx nor .csv", "give one of these endings"))
            with written_whole(out) as file:
                file.buffer.write(workbook_bytes(book))
        elif os.isatty(1):
            raise BadInput(Fault("export", "a workbook cannot be shown on a screen", "give --out FILE.xlsx"))
        else:
            sys.stdout.buffer.write(workbook_bytes(book))

    def _note(self, notes: Any) -> None:
        for note in notes:
            self.stderr.write(f"note: {note}")

    def _write(self, text: str, out: Path | None) -> None:
        if out is None:
            self.stdout.write(text, ending="")
            return
        with written_whole(out) as file:
            file.write(text)


def _check_language(instrument: Instrument, language: str | None) -> None:
    if language is not None and language not in instrument.languages:
        known = ", ".join(instrument.languages)
        raise BadInput(Fault(instrument.id, f"has no texts in {language}", f"use one of {known}"))
