"""Facts about chunks: order, no room, nothing to do."""

from __future__ import annotations

import logging

import pytest
import torch

from hsi_studio.methods.common.nn.memory import chunk_size, in_chunks


def test_results_are_joined_in_order_whatever_the_size() -> None:
    values = torch.arange(10.0)[:, None]
    for size in (1, 3, 10, 99):
        assert torch.equal(in_chunks(10, size, lambda at: values[at]), values)
    assert in_chunks(0, 4, lambda at: values[at]).shape == (0, 1)


def test_a_chunk_without_room_is_halved_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    values, asked = torch.arange(50.0), []

    def run(at: slice) -> torch.Tensor:
        asked.append(at.stop - at.start)
        if at.stop - at.start > 6:
            raise torch.OutOfMemoryError("no room")
        return values[at]

    with caplog.at_level(logging.WARNING):
        assert torch.equal(in_chunks(50, 40, run), values)
    assert asked[:4] == [40, 20, 10, 5]
    assert max(asked[4:]) <= 6
    assert "no room" in caplog.text
    with pytest.raises(torch.OutOfMemoryError):
        in_chunks(3, 2, lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError("none")))


def test_a_gpu_takes_more_at_once() -> None:
    assert chunk_size(100, "cpu") == 100
    assert chunk_size(100, "cuda:1") > 1000
    assert chunk_size(0, "cpu") == 1
