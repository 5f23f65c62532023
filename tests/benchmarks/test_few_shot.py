"""Which pixels a few-shot table is tested on."""

from __future__ import annotations

import pytest

from benchmarks.few_shot import wide
from hsi_studio.engine.sweep.cells import parse_variant


@pytest.mark.parametrize(
    ("methods", "tested"),
    [
        (["svm", "live"], "buffered"),
        (["live", "curated"], "buffered:7"),
        (["svm", "s3fn,context=21"], "buffered:10"),
    ],
)
def test_the_buffer_reaches_as_far_as_the_largest_window(methods: list[str], tested: str) -> None:
    variants = [parse_variant(text) for text in methods]
    assert wide(["random", "buffered", "buffered:3"], variants) == ["random", tested, "buffered:3"]
