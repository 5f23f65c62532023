"""Sizes, durations and counts as people read them."""

from __future__ import annotations

from hsi_studio.humanize import ago, counted, duration, listed, setting_text, shape_text, size_text


def test_sizes_are_in_powers_of_1024_and_say_so() -> None:
    assert [size_text(n) for n in (0, 1, 12, 2048, 150 << 20, 1.5 * 2**30, 3 << 40)] == [
        "0 bytes", "1 byte", "12 bytes", "2.0 KiB", "150 MiB", "1.5 GiB", "3.0 TiB",
    ]  # fmt: skip
    assert size_text(8 * 2**30) == "8.0 GiB"  # what was set as 8 GiB is told as 8


def test_durations_grow_with_their_unit_and_are_never_nothing() -> None:
    assert [duration(s) for s in (0, 0.4, 3, 42, 89.6, 200, 5399, 6000)] == [
        "1 s", "1 s", "3 s", "42 s", "90 s", "3 min", "90 min", "1.7 h",
    ]  # fmt: skip


def test_time_that_passed_counts_whole_units_only() -> None:
    assert [ago(s) for s in (0, 59, 60, 3599, 3600, 86_399, 86_400 * 5.9)] == [
        "just now", "just now", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "5 d ago",
    ]  # fmt: skip


def test_counts_have_the_right_plural() -> None:
    assert [counted(n, "label") for n in (0, 1, 2, 1200)] == ["0 labels", "1 label", "2 labels", "1,200 labels"]
    assert [counted(n, "class", "classes") for n in (1, 3)] == ["1 class", "3 classes"]


def test_names_are_listed_up_to_a_number() -> None:
    names = ["A", "B", "C", "D", "E"]
    assert [listed(names[:n], 3) for n in (1, 2, 3, 5)] == ["A", "A and B", "A, B and C", "A, B, C and 2 more"]


def test_shapes_are_products() -> None:
    assert shape_text((145, 145, 200)) == "145 × 145 × 200"


def test_settings_are_words() -> None:
    values = [True, False, None, (2, 5), [], "auto", 0.5]
    assert [setting_text(one) for one in values] == ["yes", "no", "none", "2, 5", "none", "auto", "0.5"]
