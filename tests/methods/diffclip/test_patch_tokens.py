"""Facts about patch layouts and the gather that shares work between overlapping patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsi_studio.methods.diffclip.patch_tokens import gather, layout, pooled_maps, turned


@pytest.mark.parametrize("name", ["pixels", "foveated"])
@pytest.mark.parametrize("side", [1, 3, 5, 7, 9, 11, 13])
def test_tokens_tile_the_patch_exactly(name: str, side: int) -> None:
    which = layout(name, side)  # type: ignore[arg-type]
    covered = np.zeros((side, side), dtype=int)
    for r, c, h, w in which.rectangles:
        covered[r + side // 2 : r + side // 2 + h, c + side // 2 : c + side // 2 + w] += 1
    assert (covered == 1).all()


def test_eleven_by_eleven_has_121_or_25_tokens_and_even_sides_are_refused() -> None:
    assert len(layout("pixels", 11)) == 121
    assert len(layout("foveated", 11)) == 25
    with pytest.raises(ValueError, match="odd"):
        layout("pixels", 10)


@pytest.mark.parametrize("name", ["pixels", "foveated"])
def test_gathered_tokens_are_the_means_of_valid_pixels(name: str) -> None:
    rng = np.random.default_rng(0)
    x, valid = rng.normal(size=(20, 17, 3)).astype(np.float32), rng.random((20, 17)) > 0.3
    which = layout(name, 7)  # type: ignore[arg-type]
    row, col = torch.tensor([3, 10, 16]), torch.tensor([5, 3, 13])
    tokens = gather(pooled_maps(torch.tensor(x), torch.tensor(valid), which), row, col, which).numpy()
    for n in range(3):
        for i, (r, c, h, w) in enumerate(which.rectangles):
            at = (slice(int(row[n]) + r, int(row[n]) + r + h), slice(int(col[n]) + c, int(col[n]) + c + w))
            inside = x[at][valid[at]]
            mean = inside.mean(axis=0) if inside.size else np.zeros(3)
            assert np.allclose(tokens[n, i], mean, atol=1e-5)


@pytest.mark.parametrize("name", ["pixels", "foveated"])
def test_turning_tokens_is_turning_the_scene(name: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(9, 9, 2)).astype(np.float32)
    which = layout(name, 9)  # type: ignore[arg-type]
    centre = torch.tensor([4])

    def tokens(scene: np.ndarray) -> torch.Tensor:  # type: ignore[type-arg]
        seen = torch.ones(9, 9, dtype=torch.bool)
        return gather(pooled_maps(torch.tensor(scene.copy()), seen, which), centre, centre, which)

    turns = torch.tensor(which.symmetries)
    assert sorted({tuple(row) for row in turns.tolist()}) == sorted(map(tuple, turns.tolist()))  # eight different ones
    all_turned = [turned(tokens(x), torch.tensor([g]), turns) for g in range(8)]
    scenes = [np.rot90(s, k) for s in (x, x[:, ::-1]) for k in range(4)]
    for scene in scenes:
        assert sum(torch.allclose(tokens(scene), t, atol=1e-5) for t in all_turned) == 1
