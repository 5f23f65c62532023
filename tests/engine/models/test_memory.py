"""Models in memory: the budget holds, what is in use stays, what is put away is gone, many threads load once."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.models.memory import ENVIRONMENT, ModelMemory, ModelsBusy, memory_of
from hsi_studio.engine.models.placement import Placement
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.methods.contract import Fitted
from tests.project.small import small_scene

MB = 1 << 20


@dataclass
class Weights:
    """A fitted model as the manager sees one: something that holds arrays."""

    array: np.ndarray[Any, Any]


def weights(megabytes: int = 1) -> Callable[[Placement], Fitted]:
    return lambda where: Weights(np.ones(megabytes * MB, np.uint8))  # type: ignore[return-value]


def manager(megabytes: int = 3) -> ModelMemory:
    return ModelMemory({"cpu": megabytes * MB}, lambda need, gpu: Placement("cpu", "CPU: a test"))


def test_a_model_is_loaded_once_and_shared() -> None:
    models, loads = manager(), []

    def load(where: Placement) -> Fitted:
        loads.append(where)
        return weights()(where)

    with models.use("a", MB, load) as first, models.use("a", MB, load) as second:
        assert first is second
        assert first.placement.reason == "CPU: a test"
    with models.use("a", MB, load):
        pass
    assert len(loads) == 1
    assert models.loaded() == {"a": (Placement("cpu", "CPU: a test"), MB, False)}


def test_the_least_recently_used_goes_first() -> None:
    models = manager(3)
    for key in ("a", "b", "c", "a", "d"):
        with models.use(key, MB, weights()):
            pass
    assert list(models.loaded()) == ["c", "a", "d"]


def test_a_model_in_use_is_never_put_away() -> None:
    models = manager(3)
    with models.use("a", MB, weights()) as a:
        for key in "bcdefg":
            with models.use(key, MB, weights()):
                assert "a" in models.loaded()
        with models.use("big", 2 * MB, weights(2)):
            assert set(models.loaded()) == {"a", "big"}
            with pytest.raises(ModelsBusy, match="2 in use take"), models.use("c", MB, weights()):
                pass
        with pytest.raises(ModelsBusy, match="in use"):
            models.unload("a")
        assert a.fitted.array.sum() == MB  # type: ignore[attr-defined]
    assert models.unload("a")
    assert not models.unload("a")


def test_a_load_that_would_not_fit_puts_nothing_away() -> None:
    models = manager(3)
    with models.use("a", 2 * MB, weights(2)):
        with models.use("b", MB, weights()):
            pass
        with pytest.raises(ModelsBusy), models.use("c", 2 * MB, weights(2)):
            pass
        assert set(models.loaded()) == {"a", "b"}


def test_a_model_larger_than_the_budget_is_refused_with_the_numbers() -> None:
    small, said = manager(3), r"needs 5\.0 MiB, models may take 3\.0 MiB"
    with pytest.raises(BadRequest, match=said), small.use("a", 5 * MB, weights(5)):
        pass


def test_what_turns_out_larger_makes_room_when_it_is_idle() -> None:
    models = manager(4)
    with models.use("a", MB, weights()):
        pass
    with models.use("grows", MB, weights(2)) as grows:
        grows.fitted.scores = np.ones(2 * MB, np.uint8)  # type: ignore[attr-defined]
    assert list(models.loaded()) == ["grows"] or models.loaded()["grows"][1] == 2 * MB


@pytest.mark.slow
def test_fifty_loads_and_unloads_leak_nothing() -> None:
    models = manager(3)
    alive = []

    def load(where: Placement) -> Fitted:
        fitted: Any = Weights(np.ones(MB, np.uint8))
        if not alive:
            fitted.itself = fitted  # a cycle, as networks have them
        alive.append(weakref.ref(fitted))
        return fitted  # type: ignore[no-any-return]

    def cycle() -> None:
        with models.use("a", MB, load):
            pass
        assert models.unload("a")

    cycle()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(50):
        cycle()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [ref for ref in alive if ref() is not None] == []
    assert after - before < 100_000
    assert peak - before < 3 * MB  # never more than one at a time


def test_many_threads_load_once_and_different_models_side_by_side() -> None:
    models, loads, together = manager(8), [], threading.Barrier(2, timeout=10)

    def slow(where: Placement) -> Fitted:
        loads.append(1)
        time.sleep(0.02)
        return weights()(where)

    def meet(where: Placement) -> Fitted:
        together.wait()  # passes only when two loads run at the same time
        return weights()(where)

    def work(key: str, load: Callable[[Placement], Fitted]) -> None:
        try:
            with models.use(key, MB, load) as got:
                assert got.fitted is not None
        except Exception as error:
            failed.append(error)

    failed: list[Exception] = []
    jobs = [("same", slow)] * 6 + [("left", meet), ("right", meet)]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    assert len(loads) == 1
    assert not any(in_use for _, _, in_use in models.loaded().values())


def test_hammered_by_threads_the_budget_holds_and_no_use_sees_a_lost_model() -> None:
    models, failed = manager(3), []
    stop = time.monotonic() + 1.0

    def hammer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            while time.monotonic() < stop:
                key = f"m{rng.integers(6)}"
                try:
                    with models.use(key, MB, weights()) as got:
                        assert got.fitted.array[-1] == 1  # type: ignore[attr-defined]
                        assert models.loaded()[key][2]
                        in_memory = sum(size for _, size, _ in models.loaded().values())
                        assert in_memory <= 3 * MB
                    if rng.random() < 0.2:
                        models.unload(key)
                except ModelsBusy:
                    continue
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []


def test_a_load_that_fails_leaves_nothing_and_can_be_tried_again() -> None:
    models = manager()

    def broken(where: Placement) -> Fitted:
        raise FileProblem("m.safetensors", "it is broken", "train again")

    for _ in range(2):
        with pytest.raises(FileProblem, match="it is broken"), models.use("a", MB, broken):
            pass
    assert models.loaded() == {}
    with models.use("a", MB, weights()):
        assert "a" in models.loaded()


def test_an_error_inside_the_block_releases_the_model() -> None:
    models = manager()
    with pytest.raises(ZeroDivisionError), models.use("a", MB, weights()):
        _ = 1 / 0
    assert models.unload("a")


def test_memory_counts_arrays_once_and_no_scene(tmp_path: Any) -> None:
    array = np.ones(1000, np.float32)
    assert memory_of(Weights(array)) == 4000
    assert memory_of({"a": array, "b": [array, array[10:]]}) == 4000
    assert memory_of([small_scene(), "text", 5, None]) == 0
    np.save(tmp_path / "a.npy", array)
    assert memory_of(np.load(tmp_path / "a.npy", mmap_mode="r")) == 0


def test_the_budget_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "0.5")
    assert ModelMemory().budget("cpu") == 1 << 29
    monkeypatch.setenv(ENVIRONMENT, "much")
    with pytest.raises(BadRequest, match="number of GiB"):
        ModelMemory().budget("cpu")
    monkeypatch.delenv(ENVIRONMENT)
    assert ModelMemory().budget("cpu") > 0
