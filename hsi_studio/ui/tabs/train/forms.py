"""A method's form, from its `Params` alone: what `form.js` draws, and the way back.

Nothing is written twice: ranges, defaults and help are the model's own (`Field(ge=…, le=…, description=…)`), and
what an effort or a preset changes is worded from its values. Two attributes add what a model cannot say:
`Params.groups` names the first field of each part of the form, `Method.efforts` the values of the dial.

One dict a method, made once and sent as JSON; the page draws the inputs itself, because a form of forty Gradio
components would be forty round trips to fill and a rebuild at every change of the method.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import PydanticUndefined

from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Method, Params, Values

EFFORTS = {"fast": "Fast", "normal": "Normal", "thorough": "Thorough"}
UNITS = ((r"epochs$", "passes"), (r"steps$", "steps"), (r"^batch|_batch$", "patches"))  # by a field's name
PIXELS = re.compile(r"\bin pixels\b|\bby up to this many pixels\b")  # in a field's description
SLIDER_STEPS = 200  # a whole number with more values than this is typed, not slid
SMALLEST_SLID = 0.05  # a share whose default is smaller needs finer steps than a slider has


def form(method: Method) -> dict[str, Any]:
    """Everything the page needs to draw a method's form and to know what differs from its defaults."""
    kind = method.Params
    return {
        "name": method.name,
        "title": method.title,
        "about": f"{method.source.rstrip('.')}.",
        "needs": sorted(method.needs),
        "groups": _groups(kind),
        "defaults": {name: _default(kind, name) for name in kind.model_fields},
        "efforts": [_choice(kind, name, EFFORTS[name], values) for name, values in efforts(method).items()],
        "presets": [_choice(kind, name, name, values) for name, values in method.presets.items() if values],
    }


def efforts(method: Method) -> dict[str, Values]:
    """The dial's positions in order, and what each changes; `normal`, the defaults, is always one of them."""
    own = method.efforts
    return {name: own.get(name, {}) for name in EFFORTS if name == "normal" or name in own}


def from_json(text: str) -> dict[str, Any]:
    """Raises BadRequest with the place of the mistake."""
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        if not isinstance(error, json.JSONDecodeError):  # thousands of digits, or of brackets
            raise BadRequest("The parameters hold a number or a list that no parameter takes.") from error
        raise BadRequest(
            f"The parameters are not JSON (line {error.lineno}, column {error.colno}: {error.msg}). "
            'Write them as {"name": value, …}, or empty the field for the defaults.'
        ) from error
    if not isinstance(values, dict):
        raise BadRequest('The parameters are one JSON object: {"name": value, …}.')
    return values


def whole(value: Any, what: str) -> int:
    """A whole number as a page sends it. Raises BadRequest."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest(f"The {what} is {str(value)[:40]!r}: give a whole number.") from error


def _groups(kind: type[Params]) -> list[dict[str, Any]]:
    """The fields in their order, cut where `Params.groups` names a field; one group without it."""
    schema, starts = kind.model_json_schema()["properties"], kind.groups
    out: list[dict[str, Any]] = []
    for name in kind.model_fields:
        if name in starts or not out:
            out.append({"title": starts.get(name, "Parameters"), "fields": []})
        out[-1]["fields"].append(_field(kind, name, schema[name]))
    return out


def _field(kind: type[Params], name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One input: {name, label, kind, help, unit} and, by kind, choices or {min, max, above, below, step, slider}."""
    help_text = kind.model_fields[name].description or ""
    optional = [part for part in schema.get("anyOf", []) if part.get("type") != "null"]
    typed = optional[0] if optional else schema
    field: dict[str, Any] = {"name": name, "label": _label(name), "help": help_text, "optional": bool(optional)}
    if "enum" in typed:
        return {**field, "kind": "choice", "choices": typed["enum"]}
    match typed.get("type"):
        case "boolean":
            return {**field, "kind": "switch"}
        case "integer" | "number":
            return {**field, "kind": "number", "unit": _unit(name, help_text), **_range(kind, name, typed)}
        case "string":
            return {**field, "kind": "text", "longest": typed.get("maxLength", 500)}
    return {**field, "kind": "json"}  # lists: written as JSON


def _range(kind: type[Params], name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Limits (`min`, `max` belong to the range; `above`, `below` do not), the step, and whether a slider helps."""
    whole = schema["type"] == "integer"
    odd = bool(re.search(r"\bodd\b", kind.model_fields[name].description or ""))
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    out: dict[str, Any] = {
        "whole": whole,
        "step": schema.get("multipleOf", 2 if odd else 1) if whole else None,
        "slider": None,
    }
    for key, limit in (
        ("min", "minimum"), ("max", "maximum"), ("above", "exclusiveMinimum"), ("below", "exclusiveMaximum"),
    ):  # fmt: skip
        if limit in schema:
            out[key] = schema[limit]
    if low is None or high is None:
        return out
    default = _default(kind, name)
    if whole and (high - low) / out["step"] <= SLIDER_STEPS:
        out["slider"] = {"min": low, "max": high, "step": out["step"]}
    elif not whole and low >= 0 and high <= 1 and (default == 0 or default >= SMALLEST_SLID):
        fine = 0.01 if high - low > 0.5 else 0.005
        out["slider"] = {
            "min": low + fine * ("exclusiveMinimum" in schema),
            "max": high - fine * ("exclusiveMaximum" in schema),
            "step": fine,
        }
    return out


def _choice(kind: type[Params], name: str, title: str, values: Values) -> dict[str, Any]:
    """An effort or preset: its values as JSON has them, and in words what they change."""
    plain = json.loads(json.dumps(dict(values)))
    words = [
        f"{_label(key)} {_said(_default(kind, key))} → {_said(value)}"
        for key, value in plain.items()
        if value != _default(kind, key)
    ]
    return {"name": name, "title": title, "values": plain, "words": ", ".join(words)}


def _default(kind: type[Params], name: str) -> Any:
    """As JSON has it: tuples are lists."""
    value = kind.model_fields[name].get_default(call_default_factory=True)
    return None if value is PydanticUndefined else json.loads(json.dumps(value))


def _label(name: str) -> str:
    """A name for people: "pretrain_lr" → "Pretrain lr"."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unit(name: str, help_text: str) -> str:
    if PIXELS.search(help_text):
        return "px"
    return next((unit for pattern, unit in UNITS if re.search(pattern, name)), "")
