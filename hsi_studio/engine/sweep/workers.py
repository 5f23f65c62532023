"""Sweeps in worker processes: cells out, files in, progress with the time left; Ctrl-C loses nothing that is done.

Each worker has a pipe of its own, so one that dies (out of memory) takes only its cell with it: that is reported and a
new worker goes on. Processes are spawned, not forked: CUDA and thread pools do not survive a fork. Label-free
preparation (features, pre-training) runs under a lock the first time a worker needs it: the first makes it and leaves
it in the cache folder, the others read it.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from hsi_studio.engine.runs.resources import Meter
from hsi_studio.engine.sweep.cells import Cell, SweepScene, read_cell, run_cell, write_cell
from hsi_studio.errors import Cancelled, StudioError
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context
from hsi_studio.types import Progress

log = logging.getLogger(__name__)

Opener = Callable[[str], SweepScene]  # a function of a module, so that it can be sent to a worker
STOP_WITHIN_S = 10.0
LOCKS = 61  # preparations of different methods rarely share one


@dataclass
class Outcome:
    """What a sweep did."""

    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # cell → why
    stopped: bool = False


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    cell: Cell | None = None
    since: float = 0.0


class Clock:
    """Time left: the mean of cells like it (scene, method, shots), else of its method, else of all."""

    def __init__(self) -> None:
        self.seen: dict[tuple[Any, ...], list[float]] = {}

    def add(self, cell: Cell, seconds: float) -> None:
        for key in self._keys(cell):
            self.seen.setdefault(key, []).append(seconds)

    def expect(self, cell: Cell) -> float:
        found = next((self.seen[key] for key in self._keys(cell) if key in self.seen), [0.0])
        return sum(found) / len(found)

    def left(self, todo: Sequence[Cell], jobs: int) -> float | None:
        """Seconds; None before the first cell is done."""
        return sum(map(self.expect, todo)) / jobs if self.seen else None

    @staticmethod
    def _keys(cell: Cell) -> list[tuple[Any, ...]]:
        label = cell.variant.label
        return [(cell.scene_name, label, cell.shots), (cell.scene_name, label), (label,), ()]


def run_here(
    cells: Sequence[Cell],
    folder: Path,
    scenes: Mapping[str, SweepScene],
    ctx: Context,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """One cell after the other in this process. Raises Cancelled."""
    outcome, clock, ready = Outcome(), Clock(), set[tuple[str, str]]()
    for number, cell in enumerate(cells):
        ctx.check()
        progress(Progress(describe(cell), number, len(cells), clock.left(cells[number:], 1)))
        started = time.perf_counter()
        try:
            _one(cell, folder, scenes[cell.scene], ctx, ready, None)
            outcome.done += 1
        except Cancelled:
            raise
        except StudioError as error:
            outcome.failed[describe(cell)] = str(error)
        clock.add(cell, time.perf_counter() - started)
    progress(Progress("Done", len(cells), len(cells), 0.0))
    return outcome


def run_in_workers(
    cells: Sequence[Cell],
    folder: Path,
    opener: Opener,
    *,
    jobs: int = 1,
    device: str = "cpu",
    cache_dir: Path | None = None,
    seconds: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """The cells in `jobs` processes. Set OMP_NUM_THREADS before: workers inherit it.

    Ctrl-C, or `seconds` gone by, stops within seconds; what is done stays, `Outcome.stopped` says so.
    """
    until = float("inf") if seconds is None else time.monotonic() + seconds
    context = multiprocessing.get_context("spawn")
    stop, locks = context.Event(), [context.Lock() for _ in range(LOCKS)]
    waiting, outcome, clock = deque(cells), Outcome(), Clock()
    workers: list[_Worker] = []
    total = len(cells)

    def hire() -> None:
        ours, theirs = context.Pipe()
        args = (theirs, opener, folder, device, cache_dir, stop, locks)
        process = context.Process(target=_work, args=args, daemon=True)
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours))

    def give(worker: _Worker) -> None:
        worker.cell, worker.since = (waiting.popleft() if waiting else None), time.perf_counter()
        worker.pipe.send(worker.cell)

    def settle(worker: _Worker, problem: str | None) -> None:
        assert worker.cell is not None
        if problem is None:
            outcome.done += 1
        else:
            outcome.failed[describe(worker.cell)] = problem
            log.warning("%s: %s", describe(worker.cell), problem)
        clock.add(worker.cell, time.perf_counter() - worker.since)
        busy = [w.cell for w in workers if w.cell is not None and w is not worker]
        left = clock.left([*waiting, *busy], min(jobs, max(1, len(waiting) + len(busy))))
        finished = outcome.done + len(outcome.failed)
        progress(Progress(describe(worker.cell), finished, total, left))
        worker.cell = None

    try:
        for _ in range(min(jobs, total)):
            hire()
            give(workers[-1])
        while any(w.cell is not None for w in workers):
            if time.monotonic() > until:
                outcome.stopped = True
                break
            ready = wait([w.pipe for w in workers if w.cell is not None], timeout=1.0)
            for worker in [w for w in workers if w.pipe in ready]:
                try:
                    settle(worker, worker.pipe.recv())
                    give(worker)
                except (EOFError, ConnectionError):
                    worker.process.join(STOP_WITHIN_S)
                    if worker.cell is not None:
                        code = worker.process.exitcode
                        settle(worker, f"its process died (exit code {code}; −9 is often a lack of memory)")
                    workers.remove(worker)
                    if waiting:
                        hire()
                        give(workers[-1])
    except KeyboardInterrupt:
        outcome.stopped = True
        stop.set()
    finally:
        stop.set()
        for worker in workers:
            worker.pipe.close()
        patience = time.monotonic() + STOP_WITHIN_S
        for worker in workers:
            worker.process.join(max(0.0, patience - time.monotonic()))
            if worker.process.is_alive():
                worker.process.terminate()
    return outcome


def _work(
    pipe: Connection, opener: Opener, folder: Path, device: str, cache_dir: Path | None, stop: Any, locks: list[Any]
) -> None:
    """A worker: cells from the pipe until None; answers None or what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it sets `stop`
    scenes: dict[str, SweepScene] = {}
    ready: set[tuple[str, str]] = set()
    ctx = Context(device=device, cache_dir=cache_dir, cancelled=stop.is_set)
    try:
        while (cell := pipe.recv()) is not None:
            try:
                if cell.scene not in scenes:
                    scenes.clear()  # one scene in memory: cells come scene by scene
                    scenes[cell.scene] = opener(cell.scene)
                _one(cell, folder, scenes[cell.scene], ctx, ready, locks[int(cell.variant.key, 16) % LOCKS])
                pipe.send(None)
            except Cancelled:
                return
            except StudioError as error:
                pipe.send(str(error))
            except Exception as error:  # one broken cell must not end a night's sweep
                log.exception("%s", describe(cell))
                pipe.send(f"{type(error).__name__}: {error}")
    except (EOFError, ConnectionError):
        return  # the parent is gone or has closed the pipe


def _one(
    cell: Cell, folder: Path, held: SweepScene, ctx: Context, ready: set[tuple[str, str]], lock: Any | None
) -> None:
    """Prepare where this process has not yet, run, write."""
    key, seconds, meter = (cell.scene, cell.variant.key), 0.0, Meter(ctx.device)
    if key not in ready:
        method = get_method(cell.variant.method)
        params = method.Params.model_validate(cell.variant.params)
        blind = held.scene.without_reference()
        if lock is not None:
            while not lock.acquire(timeout=0.5):
                ctx.check()
        try:
            started = time.perf_counter()
            method.prepare(blind, params, ctx)
            seconds = time.perf_counter() - started
        finally:
            if lock is not None:
                lock.release()
        ready.add(key)
    file = cell.file(folder)
    known = read_cell(file)
    result = run_cell(held, cell, ctx, seconds, meter)
    result["prepare_seconds"] = max(result["prepare_seconds"], known["prepare_seconds"] if known else 0.0)
    write_cell(file, result)


def describe(cell: Cell) -> str:
    """For people: "indian_pines, live, 5 shots, seed 3"."""
    prompts = "" if cell.prompts in ("none", "names") else f", {cell.prompts}"
    place = "" if cell.draw == "draw" else f", {cell.draw}"
    return f"{cell.scene_name}, {cell.variant.label}{prompts}, {cell.shots} shots, seed {cell.seed}{place}"
