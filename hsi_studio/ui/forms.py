"""A method's parameters for the page, from its `Params` alone: the table, the values as JSON, the way back."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticUndefined

from hsi_studio.errors import BadRequest
from hsi_studio.methods import Params


def as_json(kind: type[Params], preset: dict[str, Any]) -> str:
    """The parameters of a preset that differ from the defaults, as JSON to edit; "{}" for the defaults."""
    return json.dumps(preset, indent=2, ensure_ascii=False)


def from_json(text: str) -> dict[str, Any]:
    """Raises BadRequest with the place of the mistake."""
    try:
        values = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"The parameters are not JSON (line {error.lineno}, column {error.colno}: {error.msg}). "
            'Write them as {"name": value, …}, or empty the field for the defaults.'
        ) from error
    if not isinstance(values, dict):
        raise BadRequest('The parameters are one JSON object: {"name": value, …}.')
    return values


def table(kind: type[Params]) -> dict[str, Any]:
    """Name, default, range and meaning of every parameter, for `assets/facts.js`."""
    properties = kind.model_json_schema()["properties"]
    rows = [
        [name, json.dumps(_default(kind, name), ensure_ascii=False), _range(properties[name]), field.description or ""]
        for name, field in kind.model_fields.items()
    ]
    return {"sections": [{"title": "", "head": ["Parameter", "Default", "Range", "Meaning"], "table": rows}]}


def _default(kind: type[Params], name: str) -> Any:
    value = kind.model_fields[name].get_default(call_default_factory=True)
    return None if value is PydanticUndefined else value


def _range(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return "true, false" if schema.get("type") == "boolean" else "–"
    return f"{'' if low is None else low} … {'' if high is None else high}"
