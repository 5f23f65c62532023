"""Facts about the feature cache."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import Cancelled
from hsi_studio.features.cache import Arrays, FeatureCache, cache_key


class Counter:
    """A computation that counts its calls."""

    def __init__(self, size: int = 10) -> None:
        self.calls, self.size = 0, size

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"x": np.arange(self.size, dtype=np.float32)}


def test_key_changes_with_each_part_and_not_with_the_order_of_params() -> None:
    keys = {
        cache_key(*parts)
        for parts in (
            ("s", "f", 1, {}),
            ("t", "f", 1, {}),
            ("s", "g", 1, {}),
            ("s", "f", 2, {}),
            ("s", "f", 1, {"a": 1}),
        )
    }
    assert len(keys) == 5
    assert cache_key("s", "f", 1, {"a": 1, "b": 2}) == cache_key("s", "f", 1, {"b": 2, "a": 1})


def test_second_request_computes_nothing_and_arrays_cannot_be_written() -> None:
    cache, count = FeatureCache(), Counter()
    first, again = cache.get("k", count), cache.get("k", count)
    assert count.calls == 1
    assert first["x"] is again["x"]
    with pytest.raises(ValueError, match="read-only"):
        first["x"][0] = 1


def test_oldest_entry_leaves_when_memory_is_full() -> None:
    cache = FeatureCache(max_bytes=2 * 400)
    for key in ("a", "b"):
        cache.get(key, Counter(100))
    cache.get("a", Counter(100))  # a is younger than b now
    cache.get("c", Counter(100))
    assert "a" in cache
    assert "b" not in cache


def test_files_outlive_the_memory_and_leave_no_partial_file(tmp_path: Path) -> None:
    count = Counter()
    FeatureCache().get("k", count, tmp_path)
    assert np.array_equal(FeatureCache().get("k", count, tmp_path)["x"], np.arange(10))
    assert count.calls == 1
    assert [f.name for f in tmp_path.iterdir()] == ["k.npz"]


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    count = Counter()
    FeatureCache().get("k", count, tmp_path)
    file = tmp_path / "k.npz"
    file.write_bytes(file.read_bytes()[:-40] if damage is None else damage)
    assert np.array_equal(FeatureCache().get("k", count, tmp_path)["x"], np.arange(10))
    assert count.calls == 2
    FeatureCache().get("k", count, tmp_path)
    assert count.calls == 2  # repaired on disk


def test_a_file_with_pickled_objects_is_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "k.npz", x=np.array([{"a": 1}], dtype=object))
    count = Counter()
    assert FeatureCache().get("k", count, tmp_path)["x"].dtype == np.float32
    assert count.calls == 1


def test_a_folder_that_cannot_be_written_still_gives_the_result(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert FeatureCache().get("k", Counter(), blocked / "sub")["x"].size == 10


def test_threads_asking_for_the_same_key_compute_it_once() -> None:
    cache, count = FeatureCache(), Counter()

    def slow() -> Arrays:
        time.sleep(0.05)
        return count()

    threads = [threading.Thread(target=cache.get, args=("k", slow)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.calls == 1


def test_a_cancelled_computation_leaves_nothing_behind() -> None:
    cache = FeatureCache()

    def stop() -> Arrays:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        cache.get("k", stop)
    assert "k" not in cache
    assert cache.get("k", Counter())["x"].size == 10
