"""Facts about devices, without a GPU: every tensor says where it is made; no room is not the end of a map."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Block, Context
from hsi_studio.methods.diffclip.multi_image import fit_pairs
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import PromptSet
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps

MAKERS = {
    torch.arange, torch.zeros, torch.ones, torch.empty, torch.full, torch.eye, torch.linspace, torch.tensor,
    torch.rand, torch.randn, torch.randint, torch.randperm,
}  # fmt: skip


class Nowhere(TorchFunctionMode):
    """Notes where our code makes a tensor without saying on which device. Modules (`__init__`) move as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        frame = sys._getframe(1)
        ours = "hsi_studio" in frame.f_code.co_filename and frame.f_code.co_name != "__init__"
        if func in MAKERS and ours and (kwargs or {}).get("device") is None:
            self.found.add(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["diffclip", "curated", "s3fn"])
def test_every_tensor_says_on_which_device_it_is_made(name: str) -> None:
    cube, truth = fields(24, 26)
    scene = scene_from(with_gaps(cube), np.ones((24, 26, 1), np.float32) * truth[..., None], name="device")
    method = get_method(name)
    few = {"diffclip": {"min_steps": 3}, "curated": {"epochs": 3, "jitter": 1}, "s3fn": {"epochs": 3, "jitter": 1}}
    params = method.Params.model_validate({**method.test_params, **few[name]})
    with Nowhere() as seen:
        fitted = method.fit(scene, draw_labels(truth, scene.valid, 2), PromptSet(), params, Context())
        fitted.predict(Block(scene, slice(0, 24), slice(0, 26)))
    assert seen.found == set()


def test_every_tensor_of_image_pairs_says_so_too() -> None:
    planes = [np.random.default_rng(n).normal(size=(8, 12, 12)).astype(np.float32) for n in range(2)]
    quick = get_method("diffclip").test_params
    params = DiffClipParams.model_validate({**quick, "min_steps": 3, "loss": "pairs"})
    with Nowhere() as seen:
        fitted = fit_pairs(planes, np.arange(8) % 2, schema(2), PromptSet(), params, Context())
        fitted.predict(planes)
    assert seen.found == set()


def test_the_watch_finds_what_it_looks_for() -> None:
    from hsi_studio.methods.diffclip.losses import class_contrast

    with Nowhere() as seen:
        class_contrast(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), torch.ones(()))
    assert seen.found == set()
    code = compile("torch.arange(3)", "hsi_studio/somewhere.py", "exec")
    with Nowhere() as seen:
        exec(code, {"torch": torch})
    assert seen.found == {"hsi_studio/somewhere.py:1"}


@pytest.mark.parametrize("name", ["curated", "s3fn"])
def test_a_block_without_room_is_mapped_in_halves(name: str) -> None:
    cube, truth = fields(24, 26)
    scene = scene_from(with_gaps(cube), name="room")
    method = get_method(name)
    params = method.Params.model_validate({**method.test_params, "epochs": 3, "smoothing": 0})
    fitted: Any = method.fit(scene, draw_labels(truth, scene.valid, 2), PromptSet(), params, Context())
    block = Block(scene, slice(1, 24), slice(0, 26))
    whole, own, sizes = fitted.predict(block), fitted.probabilities, []

    def little_room(values: torch.Tensor, pixel: torch.Tensor, width: int) -> torch.Tensor:
        sizes.append(pixel.numel())
        if pixel.numel() > 200:
            raise torch.OutOfMemoryError("no room")
        return own(values, pixel, width)

    fitted.probabilities = little_room
    np.testing.assert_allclose(fitted.predict(block), whole, atol=1e-5)
    assert max(sizes) > 200
    fitted.probabilities = lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("none at all"))
    with pytest.raises(torch.OutOfMemoryError):
        fitted.predict(block)
