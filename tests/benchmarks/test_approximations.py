"""The table of approximations: pairs on the same seeds, differences and ratios by hand."""

from __future__ import annotations

from typing import Any

from benchmarks.approximations import COMPARISONS, MAP_ONLY, table
from hsi_studio.methods import get_method


def cell(stride: int, seed: int, right: int, seconds: float) -> dict[str, Any]:
    params = get_method("diffclip").Params.model_validate({"stride": stride}).model_dump(mode="json")
    matrix = [[right, 100 - right, 0], [0, 100, 0]]
    return {
        "scene": "made", "shots": 5, "seed": seed, "params": params, "own": [], "map_seconds": seconds,
        "fit_seconds": 1.0, "confusion": {"random": matrix, "buffered": matrix},
    }  # fmt: skip


def test_a_row_is_a_pair_on_the_seeds_both_have() -> None:
    found = [cell(2, s, 50 + s, 1.0) for s in range(5)] + [cell(1, s, 70 + s, 4.0) for s in range(4)]
    lines = [line for line in table(found) if line.startswith("| made")]
    assert len(lines) == 1
    cells = [part.strip() for part in lines[0].strip("|").split("|")]
    assert cells[:4] == ["made", "5", COMPARISONS[0].title, "4"]
    assert cells[4].startswith("75.75 ±")
    assert cells[5] == "+10.00 [+10.00, +10.00]"
    assert cells[8:] == ["4.00", "1.00"]


def test_every_comparison_is_of_settings_the_method_has_and_that_differ() -> None:
    params = get_method("diffclip").Params
    for comparison in COMPARISONS:
        assert params.model_validate(comparison.default) != params.model_validate(comparison.exact)
    assert set(MAP_ONLY) <= set(params.model_fields)
