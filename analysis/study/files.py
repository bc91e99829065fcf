"""An open result as a file. Pure."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from analysis.estimators.results import ROW_FIELDS


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_csv(document: Mapping[str, Any]) -> str:
    """The rows table of `analyse`; an analysis without numbers has its reason as note."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("analysis", "method", "planned", *ROW_FIELDS))
    for one in document["analyses"]:
        refused = [{"measure": "refused", "note": one["refused"]}] if one["refused"] else []
        for row in refused or one["rows"]:
            numbers = (row.get(name) for name in ROW_FIELDS)
            writer.writerow([one["id"], one["method"], str(one["planned"]).lower(), *numbers])
    return out.getvalue()


FORMS: dict[str, tuple[Callable[[Mapping[str, Any]], str], str]] = {
    "json": (as_json, "application/json"),
    "csv": (as_csv, "text/csv"),
}
