"""Classes as files hold them."""

from __future__ import annotations

import pytest

from hsi_studio.types import ClassInfo, ClassSchema

CORN = ClassInfo("a" * 32, "Corn", "#00aa00", 3)
ROOF = ClassInfo("b" * 32, "Roof", "#aa0000")


def test_classes_go_through_json_in_their_order() -> None:
    schema = ClassSchema((CORN, ROOF))
    written = schema.to_json()
    assert written == [
        {"id": "a" * 32, "name": "Corn", "color": "#00aa00", "reference_value": 3},
        {"id": "b" * 32, "name": "Roof", "color": "#aa0000", "reference_value": None},
    ]
    assert list(written[0]) == ["id", "name", "color", "reference_value"]  # journals are compared line by line
    assert ClassSchema.from_json(written) == schema


def test_files_of_other_versions_open() -> None:
    """Without a reference value, as old journals; with more keys, as newer ones."""
    assert ClassInfo.from_json({"id": "x", "name": "Corn", "color": "#00aa00"}) == ClassInfo("x", "Corn", "#00aa00")
    assert ClassInfo.from_json({**CORN.to_json(), "icon": "corn.png"}) == CORN
    with pytest.raises(KeyError):
        ClassInfo.from_json({"id": "x", "name": "Corn"})
