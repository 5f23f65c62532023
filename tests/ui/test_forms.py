"""Every method's parameters make a table and survive the way through the page."""

from __future__ import annotations

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.methods import make_params, methods
from hsi_studio.ui import forms


@pytest.mark.parametrize("name", list(methods().entries))
def test_every_parameter_has_a_row_with_a_meaning(name: str) -> None:
    kind = methods().entries[name].Params
    (section,) = forms.table(kind)["sections"]
    assert [row[0] for row in section["table"]] == list(kind.model_fields)
    assert all(row[3] for row in section["table"])


@pytest.mark.parametrize("name", list(methods().entries))
def test_presets_make_parameters(name: str) -> None:
    method = methods().entries[name]
    for preset in getattr(method, "presets", {}).values():
        text = forms.as_json(method.Params, preset)
        made = make_params(method.Params, forms.from_json(text))
        assert make_params(method.Params, made.model_dump()) == made


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "{a: 1}"])
def test_what_is_not_one_json_object_is_explained(text: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        forms.from_json(text)


def test_an_empty_field_means_the_defaults() -> None:
    assert forms.from_json("") == {}
