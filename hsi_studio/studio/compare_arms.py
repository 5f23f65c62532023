"""The sides of a comparison as a user names them: "curated:p5"."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hsi_studio.engine.compare.plan import Arm
from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import make_params


@dataclass(frozen=True)
class Side:
    """What somebody asks to compare: a method, words for it, parameters that differ from its defaults."""

    method: str
    words: str = ""  # one of `Comparisons.words`; "" = p5 where the method reads text
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""  # "" = what tells it from the other sides


def _arm(side: Side, words: str, said: Mapping[str, Sequence[str]]) -> Arm:
    method = get_method(side.method)
    make_params(method.Params, dict(side.params))  # raises BadRequest with the parameter's name
    sentences = {name: tuple(text) for name, text in said.items()}
    return Arm(
        name=side.name or method.title, method=method.name, params=dict(side.params), words=words, sentences=sentences
    )


def named(sides: Sequence[Side], arms: Sequence[Arm]) -> list[Arm]:
    """Arms called by what tells them apart: "p1" and "p5", or "DiffCLIP" and "S3FN", or "DiffCLIP, no DSM"."""
    several = len({arm.method for arm in arms}) > 1
    worded = len({arm.words for arm in arms if arm.words}) > 1
    out = []
    for side, arm in zip(sides, arms, strict=True):
        parts = [get_method(arm.method).title] if several or not arm.words or not worded else []
        if arm.words and worded:
            parts.append(arm.words)
        parts += [_switch(key, value) for key, value in side.params.items()]
        if len(parts) > 1 and not several and not worded and any(s.params for s in sides):
            parts = parts[1:]
        out.append(arm.model_copy(update={"name": side.name or ", ".join(parts)}))
    return out


def _switch(key: str, value: Any) -> str:
    """A parameter in a name: "no DSM", "patch 9"."""
    said = {"use_dsm": "DSM", "use_text": "words", "use_pretraining": "pre-training"}.get(key)
    if said is not None and isinstance(value, bool):
        return said if value else f"no {said}"
    return f"{key} {value}"


def parse_side(text: str) -> Side:
    """METHOD[:WORDS][,NAME=VALUE…][@NAME], as "curated:p1", "diffclip:p5,use_dsm=false@no DSM".

    Values are JSON, or text where they are not. Raises BadRequest with the choices.
    """
    body, _, name = text.partition("@")
    head, *items = re.split(r",(?=\w+=)", body)
    method, _, words = head.partition(":")
    known = get_method(method.strip())
    if words.strip() and "text" not in known.needs:
        raise BadRequest(f"{known.title} reads no words: leave “:{words.strip()[:40]}” out.")
    params: dict[str, Any] = {}
    for item in items:
        key, _, value = item.partition("=")
        try:
            params[key] = json.loads(value)
        except json.JSONDecodeError:
            params[key] = value
    return Side(method.strip(), words.strip(), params, name.strip())
