"""Writing an instrument as the YAML file that `load_instrument` reads."""

from typing import Any

import yaml

from surveys.instruments.schema import Instrument

FIRST = ("id", "version", "title", "languages")


class _Dumper(yaml.SafeDumper):
    """Never shares parts by reference: each part of the file reads on its own."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def to_yaml(instrument: Instrument) -> str:
    """The instrument as YAML text, without what is at its default."""
    data = _plain(instrument.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    ordered = {name: data.pop(name) for name in FIRST} | data
    return yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _plain(data: Any) -> Any:
    """The same data with whole numbers written without a fraction."""
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
