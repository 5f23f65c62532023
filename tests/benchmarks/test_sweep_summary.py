"""A sweep's cells as a table: paired differences over shared draws, and figures away from the shots."""

from __future__ import annotations

from typing import Any

from benchmarks.sweep_summary import summary


def cell(label: str, seed: int, oa: float, apart: str = "buffered:7") -> dict[str, Any]:
    results = {"random": {"oa": oa, "ece": 2.0}, apart: {"oa": oa - 10}}
    return {"title": "A town", "shots": 5, "label": label, "seed": seed, "results": results}


def test_differences_are_paired_over_the_draws_both_have() -> None:
    lines = summary([cell("s3fn", s, 70 + s) for s in range(4)] + [cell("live", s, 75 + s) for s in range(3)], "live")
    assert [line["method"] for line in lines] == ["live", "s3fn"]
    live, net = lines
    assert (live["OA"], live["OA ±"], live["OA − live"]) == ("76.0", "1.0", "")
    assert (net["n"], net["OA − live"], net["OA − live low"], net["OA − live high"]) == ("4", "-5.0", "-5.0", "-5.0")
    assert (net["OA apart"], net["ECE"]) == ("61.5", "2.0")


def test_plots_are_apart_before_a_ring_and_old_cells_have_no_calibration() -> None:
    one = cell("live", 0, 50, "mask:plots")
    one["results"]["buffered"] = {"oa": 1.0}
    del one["results"]["random"]["ece"]
    (line,) = summary([one], "live")
    assert (line["OA apart"], line["OA apart ±"], line["ECE"]) == ("40.0", "", "")
