"""Maps of the window networks smoothed within edges, and runs from before there was a choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.features.noise import component_weights
from hsi_studio.methods import get_method
from hsi_studio.methods.common.label_head import LabelHead
from hsi_studio.methods.common.nn import window_grid
from hsi_studio.methods.common.raw_tiles import RawTiles
from hsi_studio.methods.common.windowed import WindowFitted
from hsi_studio.methods.contract import Block, Context, make_params
from hsi_studio.methods.diffclip import inputs
from hsi_studio.methods.diffclip.fitted import DiffClipFitted
from hsi_studio.types import PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, with_gaps

WHOLE = (slice(0, 20), slice(0, 22))


def made() -> tuple[Scene, WindowFitted]:
    cube, truth = fields(20, 22, bands=8, classes=3)
    scene = scene_from(with_gaps(cube), name="smoothed")
    labels = draw_labels(truth, scene.valid, shots=3)
    method = get_method("curated")
    params = make_params(method.Params, {**method.test_params, "epochs": 2, "smoothing": 6, "closed_form": "on"})
    fitted = method.fit(scene, labels, PromptSet(), params, Context(seed=2))
    assert isinstance(fitted, WindowFitted)
    return scene, fitted


@pytest.mark.slow
def test_any_block_is_part_of_the_same_smoothed_map() -> None:
    scene, fitted = made()
    whole = fitted.predict(Block(scene, *WHOLE))
    assert np.allclose(whole[:, scene.valid].sum(axis=0), 1, atol=1e-5)
    assert np.isnan(whole[:, ~scene.valid]).all()
    plain = replace(fitted, smoothing=0)
    raw = plain.predict(Block(scene, *WHOLE))
    assert not np.allclose(whole, raw, atol=1e-3, equal_nan=True)
    assert np.nanstd(replace(fitted, head=None).predict(Block(scene, *WHOLE))) < np.nanstd(raw)
    small = replace(fitted, network_px=11, _raw=RawTiles(budget=1))  # no room for answers: made again, the same
    rows, cols = slice(5, 14), slice(3, 20)
    assert np.allclose(small.predict(Block(scene, rows, cols)), whole[:, rows, cols], atol=1e-5, equal_nan=True)
    loaded = get_method("curated").from_state(fitted.state(), scene, Context())
    assert np.allclose(loaded.predict(Block(scene, *WHOLE)), whole, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", ["curated", "s3fn", "diffclip"])
def test_the_map_is_compared_with_the_labels_in_noisy_scenes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, truth = fields(20, 22, bands=8, classes=3)
    scene = scene_from(cube, name="matched")
    labels = draw_labels(truth, scene.valid, shots=3)
    method = get_method(name)
    values = {**method.test_params, "epochs": 2, "smoothing": 6}

    def head(**more: object) -> LabelHead | None:
        params = make_params(method.Params, {**values, **more})
        fitted = method.fit(scene, labels, PromptSet(), params, Context(seed=2))
        assert isinstance(fitted, WindowFitted | DiffClipFitted)
        return fitted.head

    own = head(closed_form="on")
    assert own is not None
    assert own.seen.shape == own.dual.shape == (9, 3)
    assert head() is not None  # neighbours in a field differ by noise
    assert head(closed_form="off") is None
    assert head(closed_form="on", smoothing=0, **({"stride": 1} if name == "diffclip" else {})) is None
    for module in (window_grid, inputs):
        monkeypatch.setattr(module, "is_noisy", lambda *_: False)
    scene = scene_from(cube, name="clear")
    assert head() is None


@pytest.mark.parametrize("name", ["curated", "s3fn", "diffclip"])
def test_a_run_from_before_is_read_as_what_it_was(name: str) -> None:
    kind = get_method(name).Params
    now = make_params(kind, {}).model_dump()
    then = {key: value for key, value in now.items() if key not in kind.added}
    again = make_params(kind, then).model_dump()
    assert again["weighting"] == "equal"
    assert {key: again[key] for key in kind.added} == dict(kind.added)
    assert make_params(kind, now).model_dump() == now  # a run of today says all
    assert make_params(kind, {"components": 12}).model_dump()["weighting"] == now["weighting"] == "root"


def test_component_weights_keep_the_size_of_inputs_and_their_order() -> None:
    ratios = np.array([400.0, 30.0, 4.0, 1.0])
    for kind in ("equal", "root", "signal"):
        weights = component_weights(ratios, kind)
        assert np.mean(weights**2) == pytest.approx(1)
        assert (np.diff(weights) <= 0).all()
    root = component_weights(ratios, "root")
    assert root[0] / root[3] == pytest.approx(400**0.25)
    with pytest.raises(KeyError):
        component_weights(ratios, "other")
