"""All caches of features together keep to one number of bytes; what was used longest ago goes, whoever it is of."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import Arrays, FeatureCache
from hsi_studio.features.memory import MemoryBudget, most_bytes


def kilobyte() -> Arrays:
    return {"x": np.zeros(1000, np.uint8)}


def test_the_oldest_of_all_owners_goes_first() -> None:
    together = MemoryBudget(lambda: 3000)
    ana, bob = (FeatureCache(together=together) for _ in range(2))
    ana.get("a", kilobyte)
    bob.get("b", kilobyte)
    ana.get("c", kilobyte)
    ana.get("a", kilobyte)  # younger than b now
    bob.get("d", kilobyte)
    assert ("a" in ana, "c" in ana, "b" in bob, "d" in bob) == (True, True, False, True)
    assert together.count() == (3, 3000)


def test_one_that_is_larger_than_all_may_have_is_given_and_stays_alone() -> None:
    together = MemoryBudget(lambda: 500)
    cache = FeatureCache(together=together)
    cache.get("a", kilobyte)
    assert cache.get("b", kilobyte)["x"].size == 1000
    assert ("a" in cache, "b" in cache, together.count()) == (False, True, (1, 1000))


def test_what_an_owner_had_does_not_count_when_the_owner_has_gone() -> None:
    together = MemoryBudget(lambda: 10_000)
    caches = [FeatureCache(together=together) for _ in range(60)]
    for number, cache in enumerate(caches):
        cache.get(str(number), kilobyte)
    assert together.count() == (10, 10_000)
    caches.clear()
    del cache
    gc.collect()
    assert together.count() == (0, 0)
    assert together._keepers == {}


def test_what_a_cache_lets_go_by_itself_does_not_count() -> None:
    together = MemoryBudget(lambda: 10_000)
    cache = FeatureCache(max_bytes=2000, together=together)
    for key in "abcd":
        cache.get(key, kilobyte)
    assert together.count() == (2, 2000)
    cache.clear()
    assert together.count() == (0, 0)


def test_many_threads_keep_to_it() -> None:
    together = MemoryBudget(lambda: 5000)
    caches = [FeatureCache(together=together) for _ in range(4)]

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(200):
            assert caches[int(rng.integers(4))].get(str(rng.integers(20)), kilobyte)["x"].size == 1000

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert together.count()[1] <= 5000
    assert sum(len(cache._kept) for cache in caches) <= 5 + len(threads)


def test_the_operator_says_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.FEATURE_MEMORY_GB.name, "0.5")
    assert most_bytes() == 2**29
    monkeypatch.setenv(settings.FEATURE_MEMORY_GB.name, "much")
    with pytest.raises(BadRequest, match=settings.FEATURE_MEMORY_GB.name):
        most_bytes()
