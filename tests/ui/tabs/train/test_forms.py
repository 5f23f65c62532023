"""Every method's parameters make a form, and what the form says is what the model accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from hsi_studio.errors import BadRequest
from hsi_studio.methods import methods
from hsi_studio.methods.contract import make_params
from hsi_studio.ui.tabs.train import forms

NAMES = list(methods().entries)


def form_of(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(forms.form(methods().entries[name]), allow_nan=False))
    return made


def fields_of(name: str) -> list[dict[str, Any]]:
    return [field for group in form_of(name)["groups"] for field in group["fields"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_a_field_with_a_meaning_in_the_models_order(name: str) -> None:
    fields = fields_of(name)
    assert [field["name"] for field in fields] == list(methods().entries[name].Params.model_fields)
    assert all(field["help"] for field in fields)
    assert all(field["kind"] in ("switch", "choice", "number", "text", "json") for field in fields)


@pytest.mark.parametrize("name", NAMES)
def test_groups_name_fields_that_exist(name: str) -> None:
    kind = methods().entries[name].Params
    assert set(kind.groups) <= set(kind.model_fields)
    assert all(group["fields"] for group in form_of(name)["groups"])


@pytest.mark.parametrize("name", NAMES)
def test_the_forms_defaults_are_the_models(name: str) -> None:
    kind = methods().entries[name].Params
    assert make_params(kind, form_of(name)["defaults"]) == kind()


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_accepted_or_refused_as_the_form_says(name: str) -> None:
    """A value on a limit that belongs to the range may only clash with another parameter; one past it never passes."""
    kind = methods().entries[name].Params
    for field in fields_of(name):
        if field["kind"] != "number":
            continue
        for key, past in (("min", -1), ("above", 0), ("max", 1), ("below", 0)):
            if key in field:
                with pytest.raises(ValidationError) as refused:
                    kind(**{field["name"]: field[key] + past})
                assert [error["loc"] for error in refused.value.errors()] == [(field["name"],)]
        if field["slider"]:
            slider = field["slider"]
            assert "min" not in field or slider["min"] >= field["min"]
            assert "above" not in field or slider["min"] > field["above"]
            assert "max" not in field or slider["max"] <= field["max"]
            assert "below" not in field or slider["max"] < field["below"]


@pytest.mark.parametrize("name", NAMES)
def test_efforts_and_presets_make_parameters_and_say_what_they_change(name: str) -> None:
    method, form = methods().entries[name], form_of(name)
    assert "normal" in [effort["name"] for effort in form["efforts"]]
    for choice in (*form["efforts"], *form["presets"]):
        made = make_params(method.Params, forms.from_json(json.dumps(choice["values"])))
        assert (made != method.Params()) == bool(choice["words"])


def test_every_trained_method_has_a_thorough_effort() -> None:
    for name in NAMES:
        if name != "live":
            assert [e["name"] for e in form_of(name)["efforts"]][-1] == "thorough"


def test_units_and_odd_sides() -> None:
    fields = {field["name"]: field for field in fields_of("diffclip")}
    assert fields["patch"]["unit"] == "px"
    assert fields["patch"]["slider"] == {"min": 1, "max": 31, "step": 2}
    assert fields["pretrain_epochs"]["unit"] == "passes"
    assert fields["width"]["step"] == 8
    assert fields["tokenizer_source"]["optional"]
    assert fields["lr"]["slider"] is None  # a slider from 0 to 0.1 could not reach 0.001


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "{a: 1}"])
def test_what_is_not_one_json_object_is_explained(text: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        forms.from_json(text)


def test_an_empty_field_means_the_defaults() -> None:
    assert forms.from_json("") == {}
