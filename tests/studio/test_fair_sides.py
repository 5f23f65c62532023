"""Two maps on one set of pixels: which classes count when one of them was made elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsi_studio.studio.fair_sides import Side, side_by_side
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction
from tests.engine.fake import separable_scene

NONE = np.zeros(0, dtype=np.int64)


def side(title: str, label: np.ndarray, names: list[str], knows: list[str], seen: int = 0, **more: bool) -> Side:
    """A map of the scene in classes of these names; `seen`: so many pixels of row 5 trained it."""
    schema = ClassSchema(tuple(ClassInfo(f"{title}-{name}", name, f"#00000{k}") for k, name in enumerate(names)))
    made = Prediction(schema, label.astype(np.uint16), np.ones(label.shape, np.float32), "any", {}, 0)
    able = ClassSchema(tuple(info for info in schema.classes if info.name in knows))
    used = np.arange(seen, dtype=np.int64)
    return Side(title, made, LabelSet(schema, np.full(seen, 5), used, used * 0), able, **more)


def test_a_class_counts_when_both_files_know_its_name_shown_or_not() -> None:
    scene = separable_scene()  # stripes 1, 2, 3 of 30 × 40 pixels
    assert scene.reference is not None
    names = ["Stripe 1", "Stripe 2", "Stripe 3"]
    own = side("own", scene.reference, names, names, seen=4)
    never = np.where(scene.reference == 2, 1, scene.reference)  # it knows the second stripe and misses all of it
    theirs = side(
        "town", never, ["stripe 1 ", "STRIPE 2", "Stripe 3"], ["stripe 1 ", "STRIPE 2", "Stripe 3"], elsewhere=True
    )
    found = side_by_side(own, theirs, scene)
    assert found.first is not None
    assert found.second is not None
    tested = (scene.reference > 0) & ~((np.arange(30)[:, None] == 5) & (np.arange(40) < 4))
    assert found.n == tested.sum()
    assert (found.first.value, found.second.value) == (1.0, float((never == scene.reference)[tested].mean()))
    assert "not counted" not in found.caveat


def test_a_class_without_a_counterpart_is_named_and_not_guessed() -> None:
    scene = separable_scene()
    assert scene.reference is not None
    own = side("own", scene.reference, ["Stripe 1", "Stripe 2", "Stripe 3"], ["Stripe 1", "Stripe 2", "Stripe 3"])
    theirs = side(
        "town",
        scene.reference,
        ["Stripe 1", "Stripe 2", "Third stripe"],
        ["Stripe 1", "Stripe 2", "Third stripe"],
        elsewhere=True,
    )
    for first, second in ((own, theirs), (theirs, own)):
        found = side_by_side(first, second, scene)
        assert found.n == np.isin(scene.reference, (1, 2)).sum()  # the pixels of the third stripe are left out
        assert found.first is not None
        assert found.first.value == 1.0
        assert "reference has none of these, so where “town” shows them it is wrong: Third stripe." in found.caveat
        assert "“town” has none of these, so their pixels are not counted: Stripe 3." in found.caveat


def test_a_class_that_the_other_map_does_not_show_yet_is_named() -> None:
    scene = separable_scene()
    assert scene.reference is not None
    names = ["Stripe 1", "Stripe 2", "Stripe 3"]
    own = side("own", scene.reference, names, names[:2])  # the third has no label yet
    found = side_by_side(own, side("town", scene.reference, names, names, elsewhere=True), scene)
    assert "“own” shows none of these, so their pixels are not counted: Stripe 3." in found.caveat
    assert found.n == np.isin(scene.reference, (1, 2)).sum()


def test_a_class_that_was_renamed_here_is_still_the_references() -> None:
    """“Sand” was “Stripe 2” once, and is tied to it: a file that says “Stripe 2” means the same."""
    scene = separable_scene()
    assert scene.reference is not None
    names = ["Stripe 1", "Stripe 2", "Stripe 3"]
    own = side("own", scene.reference, names, names)
    infos = [
        replace(info, name="Sand", reference_value=2) if k == 1 else info for k, info in enumerate(own.able.classes)
    ]
    schema = ClassSchema(tuple(infos))
    own = replace(own, prediction=replace(own.prediction, schema=schema), able=schema)
    theirs = side("town", scene.reference, names, names, elsewhere=True)
    for first, second in ((own, theirs), (theirs, own)):
        found = side_by_side(first, second, scene)
        assert found.n == (scene.reference > 0).sum()
        assert found.first is not None
        assert found.second is not None
        assert found.first.value == found.second.value == 1.0
        assert "not counted" not in found.caveat


def test_maps_without_two_classes_in_common_are_not_compared() -> None:
    scene = separable_scene()
    assert scene.reference is not None
    own = side("own", scene.reference, ["Stripe 1", "Stripe 2", "Stripe 3"], ["Stripe 1", "Stripe 2"])
    theirs = side("town", scene.reference, ["A", "B", "Stripe 2"], ["A", "B", "Stripe 2"], elsewhere=True)
    found = side_by_side(own, theirs, scene)
    assert "fewer than two classes" in found.problem
    assert found.sentence("own", "town") == ""
    assert "A and B" in found.caveat
