"""A map in another class list shows the same classes at the same pixels."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.mapping.schema_match import in_schema, onto
from hsi_studio.types import ClassInfo, ClassSchema, Prediction

CORN, WOOD, WATER = (
    ClassInfo(i, n, "#112233", v) for i, n, v in (("c", "Corn", 1), ("w", "Wood", 2), ("a", "Lake", 3))
)
LABEL = np.array([[0, 1, 2], [2, 0, 1]], dtype=np.uint16)


def a_map(*classes: ClassInfo) -> Prediction:
    return Prediction(ClassSchema(classes), LABEL, np.ones(LABEL.shape, np.float32), "live", {}, 1)


def shown(prediction: Prediction) -> list[str]:
    """The class's name at every pixel."""
    return [["—", *prediction.schema.names][code] for code in prediction.label.ravel()]


def test_codes_are_positions_in_the_larger_list() -> None:
    larger = ClassSchema((WATER, WOOD, CORN))
    found = in_schema(a_map(CORN, WOOD), larger)
    assert found.label.tolist() == [[0, 3, 2], [2, 0, 3]]
    assert shown(found) == shown(a_map(CORN, WOOD))
    with pytest.raises(KeyError, match="w"):
        in_schema(a_map(CORN, WOOD), ClassSchema((CORN, WATER)))


def test_a_class_is_found_by_its_id_and_else_by_its_name_in_any_case() -> None:
    renamed = ClassInfo("c", "Maize", "#000000")
    other_wood = ClassInfo("x", " WOOD ", "#000000")
    decoy = ClassInfo("y", "corn", "#000000")  # has the name of the class whose id is there under another name
    found = onto(a_map(CORN, WOOD), ClassSchema((decoy, other_wood, renamed)))
    assert found.schema.classes == (decoy, other_wood, renamed)
    assert found.label.tolist() == [[0, 3, 2], [2, 0, 3]]


def test_of_two_classes_of_one_name_the_first_is_taken() -> None:
    twins = ClassSchema((ClassInfo("1", "Corn", "#000000"), ClassInfo("2", "Corn", "#000000")))
    assert onto(a_map(CORN, WOOD), twins).label.tolist() == [[0, 1, 3], [3, 0, 1]]


def test_new_classes_follow_without_a_tie_to_this_scenes_reference() -> None:
    found = onto(a_map(CORN, WATER), ClassSchema((WOOD,)))
    assert found.schema.names == ["Wood", "Corn", "Lake"]
    assert [info.reference_value for info in found.schema.classes] == [2, None, None]
    assert shown(found) == shown(a_map(CORN, WATER))
    assert found.label.dtype == np.uint16
