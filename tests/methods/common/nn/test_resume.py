"""Facts about long trainings: stopped and gone on = never stopped; curves and previews change nothing."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from hsi_studio.errors import Cancelled
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.common.nn.resume import Loop, Parts, Watch, fingerprint
from hsi_studio.methods.common.nn.training import Average, Batches
from hsi_studio.methods.contract import Block, Context, Fitted, State
from hsi_studio.methods.curated.method import Curated
from hsi_studio.methods.diffclip.method import DiffClip
from hsi_studio.methods.s3fn.method import S3FN
from hsi_studio.types import LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, with_gaps

KINDS = {"diffclip": DiffClip, "curated": Curated, "s3fn": S3FN}
SMALL: dict[str, dict[str, Any]] = {
    "diffclip": {"members": 2, "min_steps": 12, "pretrain_epochs": 3, "pretrain_batch": 8, "batch": 5},
    "curated": {"epochs": 12, "jitter": 1},
    "s3fn": {"epochs": 12, "text_epochs": 12, "jitter": 1, "channels": (3, 4, 5)},
}
EVERY = pytest.mark.parametrize("name", list(KINDS))


@dataclass
class Kept:
    """Checkpoints in memory, as JSON and arrays. Due at every `every`-th question; stops after `most` saves."""

    every: int = 2
    most: int = 10**9
    saves: int = 0
    asked: int = 0
    files: dict[str, State] = field(default_factory=dict)

    def load(self, stage: str) -> State | None:
        return self.files.get(stage)

    def due(self) -> bool:
        self.asked += 1
        return self.asked % self.every == 0

    def save(self, stage: str, state: State) -> None:
        self.files[stage] = State({k: v.copy() for k, v in state.arrays.items()}, json.loads(json.dumps(state.header)))
        self.saves += 1
        if self.saves >= self.most:
            raise Cancelled("Paused.")


def data() -> tuple[Scene, LabelSet]:
    cube, truth = fields(24, 26)
    scene = scene_from(with_gaps(cube), name="resumed")
    return scene, draw_labels(truth, scene.valid, shots=3)


def fit(name: str, ctx: Context, **changes: Any) -> Fitted:
    """By a new method with an empty cache, as after a restart."""
    method = KINDS[name](FeatureCache())
    scene, labels = data()
    params = method.Params.model_validate({**method.test_params, **SMALL[name], **changes})
    return method.fit(scene, labels, PromptSet(), params, ctx)


def same(a: Fitted, b: Fitted) -> bool:
    one, two = a.state(), b.state()
    return set(one.arrays) == set(two.arrays) and all(np.array_equal(one.arrays[k], two.arrays[k]) for k in one.arrays)


@pytest.mark.slow
@EVERY
@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_stopped_training_ends_as_one_never_stopped(name: str, most: int) -> None:
    whole = fit(name, Context(seed=4))
    kept, stops = Kept(most=most), 0
    while True:
        try:
            again = fit(name, Context(seed=4, checkpoints=kept))
            break
        except Cancelled:
            stops += 1
            kept.saves = 0
    assert stops >= (2 if most < 5 else 1)
    assert same(whole, again)
    losses = [f.state().header.get("history", f.state().header.get("training")) for f in (whole, again)]
    for each in losses:
        each.pop("seconds", None)
    assert losses[0] == losses[1]


@pytest.mark.slow
@EVERY
def test_a_checkpoint_of_another_training_is_left_aside(name: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    fit(name, Context(seed=4, checkpoints=kept))
    with caplog.at_level(logging.WARNING):
        other = fit(name, Context(seed=5, checkpoints=kept))
    assert "left aside" in caplog.text
    assert same(other, fit(name, Context(seed=5)))


@pytest.mark.slow
@EVERY
def test_a_finished_training_is_not_trained_again(name: str) -> None:
    kept, seen = Kept(), []
    first = fit(name, Context(seed=4, checkpoints=kept))
    ctx = Context(seed=4, checkpoints=kept, metrics=lambda stage, step, steps, values: seen.append(stage))
    assert same(first, fit(name, ctx))
    assert seen == []


@pytest.mark.slow
@EVERY
def test_curves_and_previews_tell_and_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsi_studio.methods.common.nn.resume.CURVE_SECONDS", 0.0)
    scene, _ = data()
    told: dict[str, list[tuple[int, int, dict[str, float]]]] = {}
    maps: list[np.ndarray] = []

    def metrics(stage: str, step: int, steps: int, values: dict[str, float]) -> None:
        told.setdefault(stage, []).append((step, steps, values))

    def preview(make: Any) -> None:
        if len(maps) < 4:
            model = make()
            assert model.leave_one_out() is None
            maps.append(model.predict(Block(scene, slice(0, 24), slice(0, 26))))

    watched = fit(name, Context(seed=4, metrics=metrics, preview=preview))
    assert same(watched, fit(name, Context(seed=4)))
    expected = {
        "diffclip": {"pretrain", "finetune", "finetune-2"}, "curated": {"train"}, "s3fn": {"cnn", "text"},
    }  # fmt: skip
    assert set(told) == expected[name]
    for points in told.values():
        assert [step for step, _, _ in points] == list(range(1, points[0][1] + 1))
        assert all(np.isfinite(list(values.values())).all() for _, _, values in points)
        assert {"loss", "lr"} <= set(points[0][2])
    for stage in set(told) - {"pretrain"}:
        last = told[stage][-1][2]
        assert 0 <= last["accuracy"] <= 1
    if name == "diffclip":
        last = told["finetune"][-1][2]
        assert last["loss"] == pytest.approx((last["loss/to text"] + last["loss/to image"]) / 2)
    assert len(maps) == 4
    assert all(np.allclose(p[:, scene.valid].sum(axis=0), 1, atol=1e-5) for p in maps)
    assert not np.array_equal(maps[0], maps[3], equal_nan=True)


def loop(kept: Kept, key: str = "k") -> tuple[Loop, Parts]:
    module = torch.nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(0)
    parts = Parts(module, torch.optim.Adam(module.parameters()), {"g": generator}, Average(module, 0.9),
                  Batches(5, 2, generator))  # fmt: skip
    return Loop(Watch(Context(checkpoints=kept), "here", lambda: key), parts, 9), parts


@pytest.mark.slow
def test_a_damaged_checkpoint_is_left_aside_and_nothing_of_it_used(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(every=1)
    first, parts = loop(kept)
    for step in range(4):
        parts.optimiser.zero_grad()
        loss = parts.module(torch.ones(1, 3)).sum()
        loss.backward()
        parts.optimiser.step()
        assert parts.average is not None
        parts.average.update(parts.module)
        first.after(step, loss)
    good = kept.files["here"]
    assert loop(kept)[0].first == 4

    def spoiled(**arrays: Any) -> State:
        mixed = {**good.arrays, **{k.replace("__", "."): v for k, v in arrays.items()}}
        return replace(good, arrays={k: v for k, v in mixed.items() if v is not None})

    bad = [
        spoiled(net__weight=np.zeros((3, 3), np.float32)),
        spoiled(net__weight=None),
        spoiled(adam__0__exp_avg=None),
        spoiled(adam__7__step=np.float32(1)),
        spoiled(losses=np.zeros(3)),
        spoiled(generator__g=np.zeros(3, np.uint8)),
        spoiled(more=np.zeros(3)),
        replace(good, header={**good.header, "step": 10}),
        replace(good, header={**good.header, "step": "4"}),
        replace(good, header={**good.header, "key": "other"}),
        replace(good, header={}),
    ]
    for state in bad:
        caplog.clear()
        kept.files["here"] = state
        again, fresh = loop(kept)
        assert again.first == 0
        assert not fresh.optimiser.state
        assert "left aside" in caplog.text


def test_batches_go_through_all_in_every_epoch_and_go_on_inside_one() -> None:
    one = Batches(7, 3, torch.Generator().manual_seed(1))
    drawn = [one.at(step) for step in range(6)]
    for epoch in (drawn[:3], drawn[3:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(7))
    assert [len(b) for b in drawn] == [3, 3, 1, 3, 3, 1]


def test_a_fingerprint_stands_for_content_type_and_shape() -> None:
    a = np.arange(6, dtype=np.float32)
    same_values = [a, a.reshape(2, 3), a.astype(np.float64), torch.arange(5.0), {"x": 1}, {"x": torch.ones(2)}, "6"]
    assert len({fingerprint(part) for part in same_values}) == len(same_values)
    assert fingerprint(a, "b") == fingerprint(torch.from_numpy(a), "b")
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
