"""Facts about what `live` prefers before labels tell, and that it keeps to what a plain classifier would do."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.classic.models import Discriminant, SupportVectors
from hsi_studio.methods.contract import Context
from hsi_studio.methods.live.fitted import LiveFitted
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.methods.live.views import GROUPS, METRICS, kernels, preference, views
from hsi_studio.types import LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema

LIVE = Live()


def fit(scene: Scene, labels: LabelSet) -> LiveFitted:
    return LIVE.fit(scene, labels, PromptSet(), LiveParams(), Context())


def test_a_view_is_a_metric_with_a_group_of_scales() -> None:
    table = views(6)
    assert table.shape == (len(METRICS) * len(GROUPS), len(METRICS) * 6)
    assert table.sum(axis=1) == pytest.approx(np.ones(18))
    assert (table[0] > 0).tolist() == [True] + [False] * 35  # pixel: not smoothed
    assert views(6, metrics=4).shape == (12, 24)  # where values have no zero there are no shapes
    assert (table[2] > 0).tolist()[:6] == [False] * 3 + [True] * 3  # coarse: the upper half


def test_a_clear_sensor_is_not_smoothed_and_a_noisy_one_is() -> None:
    dimensions = np.array([2.0, 3.0, 20.0, 5.0, 2.0, 3.0], dtype=np.float32)
    for noise, winner in ((0.05, "pixel"), (0.95, "coarse")):
        by_group = preference(noise, dimensions, 6).reshape(len(METRICS), len(GROUPS)).sum(axis=0)
        assert GROUPS[int(by_group.argmax())] == winner


def test_classes_ask_for_one_dimension_less_than_there_are_of_them() -> None:
    """Three classes: the metric of 2 dimensions; twenty: the one of 20 (noise share one half favours no family but
    shapes, which are left out here as where values have no zero)."""
    dimensions = np.array([2.0, 5.0, 19.0, 9.0], dtype=np.float32)
    for classes, winner in ((3, "spectrum"), (20, "white")):
        by_metric = preference(0.5, dimensions, classes).reshape(4, len(GROUPS)).sum(axis=1)
        assert METRICS[int(by_metric.argmax())] == winner


def test_every_kernel_sees_total_variance_one() -> None:
    cube, truth = fields(24, 30)
    scene = scene_from(cube)
    fitted = fit(scene, draw_labels(truth, scene.valid, 2))
    for kernel in kernels(fitted.features):
        assert kernel.of(fitted.features).var(axis=0, dtype=np.float64).sum() == pytest.approx(1.0, rel=2e-3)


def simulated(kind: str) -> tuple[Scene, np.ndarray]:
    """Three materials with a smooth variation of brightness, over a quiet sensor: fields, or pixel by pixel."""
    rng = np.random.default_rng(3)
    row, col = np.mgrid[0:36, 0:36]
    truth = (row // 12 + col // 12) % 3 if kind == "fields" else rng.integers(0, 3, (36, 36))
    spectra = np.cumsum(rng.normal(0, 0.04, (3, 30)), axis=1) + 0.4
    light = 1.0 + 0.15 * np.sin(row / 9.0) * np.cos(col / 7.0)
    cube = spectra[truth] * light[..., None] + rng.normal(0, 0.01, (36, 36, 30))
    return scene_from(cube.astype(np.float32), name=kind), truth.astype(np.int64)


@pytest.mark.parametrize(("kind", "shots"), [("fields", 1), ("fields", 5), ("pepper", 5)])
def test_it_is_not_below_a_plain_classifier_on_single_spectra(kind: str, shots: int) -> None:
    """Mean over 6 draws, in percent; half a point is allowed."""
    scene, truth = simulated(kind)
    spectra = scene.read(slice(0, 36), slice(0, 36), None).reshape(-1, 30)
    z = ((spectra - spectra.mean(axis=0)) / spectra.std(axis=0)).astype(np.float32)
    right: dict[str, list[float]] = {"live": [], "svm": [], "lda": []}
    for seed in range(6):
        labels = draw_labels(truth, scene.valid, shots, seed)
        found = fit(scene, labels).node_probabilities().argmax(axis=1)
        right["live"].append(100 * float((found == truth.ravel()).mean()))
        at = labels.row * 36 + labels.col
        for name, model in (("svm", SupportVectors(100.0, 1.0)), ("lda", Discriminant())):
            scores = model.fit(z[at], labels.label, 3, 0, lambda: None).scores(z)
            right[name].append(100 * float((scores.argmax(axis=1) == truth.ravel()).mean()))
    assert np.mean(right["live"]) >= max(np.mean(right["svm"]), np.mean(right["lda"])) - 0.5


def test_the_scale_of_bands_and_the_order_of_classes_change_nothing() -> None:
    cube, truth = fields(24, 30)
    factors = np.linspace(0.2, 50.0, cube.shape[-1]).astype(np.float32)
    scene, scaled = scene_from(cube, name="one"), scene_from(cube * factors, name="other")
    labels = draw_labels(truth, scene.valid, 3)
    first = fit(scene, labels).node_probabilities()
    assert np.abs(fit(scaled, labels).node_probabilities() - first).max() < 0.02
    turn = np.array([2, 0, 3, 1])
    turned = LabelSet(schema(4), labels.row, labels.col, turn[labels.label])
    assert np.allclose(fit(scene, turned).node_probabilities()[:, turn], first, atol=1e-5)


def test_a_model_of_before_there_were_metrics_still_maps() -> None:
    """Such a state has a kernel a scale, zeros among their weights, and neither spreads nor ratios in its basis."""
    cube, truth = fields(24, 30)
    scene = scene_from(cube)
    fitted = fit(scene, draw_labels(truth, scene.valid, 5))
    state = fitted.state()
    at = fitted.support.position
    nodes = fitted.features.index.ravel()[fitted.support.pixel[at]]
    weights = np.array([0.0, 0.0, 0.5, 0.5, 0.0, 0.0])
    for name in [n for n in state.arrays if n.startswith(("support_", "factor_"))]:
        del state.arrays[name]
    for name in ("principal_spread", "white_spread", "ratios", "noise"):
        del state.arrays[name]
    del state.header["kernels"]
    state.arrays["weights"] = weights
    state.arrays.update({f"support_{s}": f[nodes] for s, f in enumerate(fitted.features.scales)})
    again = LIVE.from_state(state, scene, Context())
    assert [(k.family, k.scale) for k in again.kernels] == [("white", 2), ("white", 3)]
    assert (again.node_probabilities().argmax(axis=1) == truth.ravel()).mean() > 0.9
