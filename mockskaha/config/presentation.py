"""Settings as text, for people and scripts. Secrets are masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from mockskaha.config.settings import Settings

WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Writes lists of plain values on one line, and indents the others."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _sequence(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    flow = not any(isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


_Dumper.add_representer(list, _sequence)


def as_yaml(settings: Settings) -> str:
    """YAML that, but for masked secrets, is a configuration file for the same settings."""
    return yaml.dump(
        plain(settings),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=WIDTH,
    )


def as_json(settings: Settings) -> str:
    """The same as JSON."""
    return json.dumps(plain(settings), indent=2, ensure_ascii=False)


def plain(settings: Settings) -> Mapping[str, Any]:
    """The same as plain data."""
    return settings.model_dump(mode="json", by_alias=True, exclude={"extra_users", "extra_images"})
