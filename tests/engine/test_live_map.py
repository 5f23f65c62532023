"""The live map hands a method what it may see: the scene without its reference, from preparation to mapping."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine import live_map
from hsi_studio.engine.live_map import LiveMap
from hsi_studio.methods.common.checks import enough_labels
from hsi_studio.methods.contract import Block, Context
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, LabelSet, PromptSet, Scene
from tests.engine.fake import FakeFitted, FakeMethod, FakeParams, separable_scene


class LookingFitted(FakeFitted):
    """Notes the reference it can see while it maps."""

    seen: list[tuple[str, Any]]

    @property
    def notes(self) -> tuple[str, ...]:
        return ("What this map cannot show.",)

    def predict(self, block: Block) -> FloatArray:
        self.seen.append(("predict", block.scene.reference))
        return super().predict(block)


class LookingMethod(FakeMethod):
    """Notes the reference it can see, and never complains."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[tuple[str, Any]] = []

    def prepare(self, scene: Scene, params: Any, ctx: Context) -> None:
        self.references.append(("prepare", scene.reference))

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> FakeFitted:
        self.references.append(("fit", scene.reference))
        plain = super().fit(scene.without_reference(), labels, prompts, params, ctx)
        fitted = LookingFitted(plain.schema, plain.means)
        fitted.seen = self.references
        return fitted


class CarefulMethod(FakeMethod):
    """Says that there are too few labels, as methods do."""

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> FakeFitted:
        enough_labels(labels)
        return super().fit(scene, labels, prompts, params, ctx)


@pytest.fixture
def method() -> LookingMethod:
    return LookingMethod()


@pytest.fixture
def live(method: LookingMethod) -> Iterator[LiveMap]:
    made = LiveMap(separable_scene(), method, FakeParams(), Context())
    yield made
    made.close()


def labels(revision: int = 6, classes: int = 3) -> LabelSet:
    """Two labels a class on the stripes of `separable_scene`."""
    row, col = np.array([3, 20] * classes), np.repeat(np.arange(classes) * 13 + 5, 2)
    schema = ClassSchema(tuple(ClassInfo(f"c{k}", f"Class {k}", "#112233") for k in range(3)))
    return LabelSet(schema, row, col, np.repeat(np.arange(classes), 2), revision)


def test_a_method_that_looks_for_the_reference_sees_none(live: LiveMap, method: LookingMethod) -> None:
    assert live.scene.reference is not None
    live.request(labels())
    status = live.wait(6, 30, report=True)
    assert status.error == ""
    assert {step for step, _ in method.references} == {"prepare", "fit", "predict"}
    assert [reference for _, reference in method.references if reference is not None] == []
    assert status.report is not None
    assert status.report.kind == "reference"  # the application itself still measures with it
    assert status.report.notes[-1:] == ("What this map cannot show.",)  # is said where its accuracy is read


def test_the_newest_labels_win_and_older_ones_are_not_mapped(live: LiveMap) -> None:
    live.request(labels(9))
    live.request(labels(4))
    assert live.asked == 9
    status = live.wait(9, 30)
    assert status.revision == 9
    assert status.prediction is not None
    assert status.prediction.revision == 9


def test_codes_of_the_map_are_those_of_the_whole_class_list(live: LiveMap) -> None:
    """Only the first and the third class have labels: the map says 1 and 3."""
    given = labels()
    keep = given.label != 1
    live.request(LabelSet(given.schema, given.row[keep], given.col[keep], given.label[keep], 6))
    found = live.wait(6, 30).prediction
    assert found is not None
    assert np.unique(found.label).tolist() == [1, 3]
    assert found.schema == given.schema


def test_what_names_mean_is_asked_for_while_nothing_is_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the third labelled class it would take the interpreter from the clicks."""
    monkeypatch.setattr(live_map, "IDLE_SECONDS", 0.05)
    asked, told = [], threading.Event()

    def words(_scene: Scene, names: tuple[str, ...]) -> None:
        asked.append(names)
        told.set()

    made = LiveMap(separable_scene(), CarefulMethod(), FakeParams(), Context(words=words))
    try:
        made.request(labels(0, classes=0))
        assert told.wait(20)
        assert asked == [("Class 0", "Class 1", "Class 2")]
        made.wait(0, 20)
        made.request(labels(1))
        assert made.wait(1, 20).prediction is not None
        time.sleep(0.3)
        assert asked == [("Class 0", "Class 1", "Class 2")]  # the method asks for itself from then on
    finally:
        made.close()
