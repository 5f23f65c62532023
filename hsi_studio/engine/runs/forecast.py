"""Time and memory of a run before it starts, from what runs on this machine took.

    seconds of a phase = (GFLOP / speed + calls · overhead of a call) · correction

1. The method tells the work of each phase from its parameters, the scene's size and the labels (`Method.work`), and
   what it takes whatever the work (`fixed_seconds`).
2. The machine's speed is measured once (about 0.1 s: matrix products and small operations) and kept in a file.
3. Every run that ends well adds a line to `timings.jsonl`. The correction is the weighted geometric mean of
   real / computed over the five most similar runs of the method on the device: same scene, near in work and
   parameters, recent. Opening the scene and measuring the map are learned from runs of every method. So the formulas
   only carry from one run to another; a method's constant is learned, not assumed.
4. While it runs, the present phase tells its own time left, and the forecast covers the phases after it.

Label-free work that an earlier run left in the cache is not done again: such a run's `prepare` is forecast from others
that found theirs there. Memory: the peak of similar runs, moved by the difference in size.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.runs.devices import cpu_name
from hsi_studio.errors import StudioError
from hsi_studio.files import write_json
from hsi_studio.methods import get_method
from hsi_studio.methods.common.work import Work
from hsi_studio.stored import loads_object

log = logging.getLogger(__name__)

PHASES = ("start", "prepare", "fit", "predict", "report")
SIMILAR = 5
SHARED = frozenset({"start", "report"})  # phases that depend on the scene, not on the method
MOST_LINES = 2000
TORCH_MB = 420.0  # a process with torch and the methods, before the scene
GPU_GFLOPS = 4000.0  # what small networks reach of a GPU; corrected by the first run


@dataclass(frozen=True)
class Forecast:
    """`basis` says for people where it comes from; `phases` holds the seconds of each."""

    seconds: float
    peak_mb: float
    basis: str
    phases: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Forecast | None:
        try:
            phases = {str(k): float(v) for k, v in value.get("phases", {}).items()}
            return Forecast(float(value["seconds"]), float(value["peak_mb"]), str(value["basis"]), phases)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


@dataclass(frozen=True)
class Request:
    """What a run's cost depends on."""

    method: str
    params: dict[str, Any]
    scene: str  # content id
    shape: tuple[int, int, int]
    labels: int
    classes: int
    slot: str  # "cpu", "cuda:0"
    device: str  # its name

    @property
    def pixels(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def work(self) -> dict[str, Work]:
        """Phase → work; without labels, that of one."""
        method = get_method(self.method)
        return method.work(self.params, self.shape, max(self.labels, 1), max(self.classes, 1))

    @property
    def label_free(self) -> str:
        """What the label-free work depends on, as text."""
        depends = get_method(self.method).label_free
        chosen = {name: value for name, value in self.params.items() if name in depends}
        return json.dumps([self.method, self.scene, self.slot.split(":")[0], chosen], sort_keys=True)


@dataclass(frozen=True)
class Seen:
    """A run that ended well: a line of `timings.jsonl`."""

    request: Request
    phases: dict[str, float]
    peak_mb: float
    warm: bool  # its label-free work was in the cache


@dataclass(frozen=True)
class Speed:
    """Of this machine's processor."""

    gflops: float
    call_s: float


class Forecaster:
    """Reads and writes `timings.jsonl` and `speed.json` of a cache folder. Thread-safe."""

    def __init__(self, cache: Path) -> None:
        self.timings, self.speed_file = cache / "timings.jsonl", cache / "speed.json"
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._seen: list[Seen] = []
        self._speed: Speed | None = None

    def forecast(self, request: Request) -> Forecast:
        """Raises BadRequest for an unknown method."""
        here = [s for s in self.history() if s.request.device == request.device]
        seen = [s for s in here if s.request.method == request.method]
        warm = self.is_warm(request)
        computed = self._computed(request)
        phases = {}
        for phase in PHASES:
            if phase in SHARED:
                phases[phase] = round(computed[phase] * self._correction(request, phase, here, warm), 3)
                continue
            like = [s for s in seen if phase != "prepare" or s.warm == warm]
            prior = 0.05 if phase == "prepare" and warm else computed[phase]
            phases[phase] = round(prior * self._correction(request, phase, like, warm), 3)
        near = min((self._distance(request, s) for s in seen), default=math.inf)
        if not seen:
            basis = "a guess from this machine's speed: no run of this method has ended on it yet"
        else:
            kind = "like it" if near < 0.3 else "of this method"
            basis = f"{len(seen)} earlier run{'s' * (len(seen) != 1)} {kind} on this machine"
        return Forecast(round(sum(phases.values()), 2), round(self._peak(request, seen), 0), basis, phases)

    def is_warm(self, request: Request) -> bool:
        """Whether an earlier run left the label-free work in the cache."""
        return any(s.request.label_free == request.label_free for s in self.history())

    def add(self, request: Request, phases: dict[str, float], peak_mb: float) -> None:
        """Keep what a run took: one line, one write."""
        value = {
            **asdict(request), "phases": {k: round(v, 3) for k, v in phases.items()}, "peak_mb": round(peak_mb, 1),
            "warm": self.is_warm(request), "t": round(time.time()),
        }  # fmt: skip
        self.timings.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.timings, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, (json.dumps(value) + "\n").encode("ascii"))
        finally:
            os.close(handle)

    def history(self) -> list[Seen]:
        """Every whole line, oldest first."""
        try:
            stat = self.timings.stat()
        except OSError:
            return []
        stamp = (stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if stamp != self._stamp:
                lines = self.timings.read_bytes().split(b"\n")[-MOST_LINES:]
                self._seen = [one for line in lines if (one := _parse(line)) is not None]
                self._stamp = stamp
            return self._seen

    def speed(self) -> Speed:
        """Measured once a machine."""
        with self._lock:
            if self._speed is None:
                self._speed = self._stored_speed()
            if self._speed is None:
                self._speed = measure()
                try:
                    write_json(self.speed_file, {"cpu": cpu_name(), **asdict(self._speed)})
                except OSError as error:
                    log.info("the machine's speed is not kept: %s", error)
            return self._speed

    def _stored_speed(self) -> Speed | None:
        try:
            value = loads_object(self.speed_file.read_bytes())
            if value["cpu"] != cpu_name():
                return None
            speed = Speed(float(value["gflops"]), float(value["call_s"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not measured yet, or not readable: measured again
        return speed if 0 < speed.gflops < 1e6 and 0 < speed.call_s < 1 else None

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _computed(self, request: Request) -> dict[str, float]:
        """Seconds of each phase without any correction."""
        work, fixed = request.work, get_method(request.method).fixed_seconds
        megabytes = request.pixels * request.shape[2] * 4 / 1e6
        found = {
            name: fixed.get(name, 0.0) + self._seconds(work.get(name, (0.0, 0.0)), request.slot)
            for name in ("prepare", "fit", "predict")
        }
        return {"start": 2.0 + megabytes / 100, **found, "report": 0.3 + request.pixels / 1e6}

    def _seconds(self, work: Work, slot: str) -> float:
        speed = self.speed()
        gflops = GPU_GFLOPS if slot.startswith("cuda") else speed.gflops
        return 0.01 + work[0] / gflops + work[1] * speed.call_s

    def _correction(self, request: Request, phase: str, seen: list[Seen], warm: bool) -> float:
        def apart(one: Seen) -> float:
            return _scene_distance(request, one) if phase in SHARED else self._distance(request, one)

        newest = list(reversed(seen))
        ranked = sorted(enumerate(newest), key=lambda item: apart(item[1]))[:SIMILAR]
        logs, weights = [], []
        for age, one in ranked:
            real = one.phases.get(phase)
            prior = 0.05 if phase == "prepare" and warm else self._computed(one.request)[phase]
            if real is not None:
                logs.append(math.log(max(real, 0.005) / prior))
                weights.append(0.95**age * math.exp(-3 * apart(one)) + 1e-9)
        return math.exp(float(np.average(logs, weights=weights))) if logs else 1.0

    def _distance(self, request: Request, one: Seen) -> float:
        """0 = the same run again; 1 = clearly another."""
        other, mine = self._computed(one.request), self._computed(request)
        far = sum(abs(math.log(mine[p] / other[p])) for p in ("fit", "predict")) / 2
        names = set(request.params) | set(one.request.params)
        differs = sum(request.params.get(n) != one.request.params.get(n) for n in names)
        return float(0.4 * far + 0.1 * differs + 0.5 * (request.scene != one.request.scene))

    def _peak(self, request: Request, seen: list[Seen]) -> float:
        ranked = sorted(seen, key=lambda s: self._distance(request, s))[:SIMILAR]
        mine = _memory(request)
        if not ranked:
            return mine
        weights = [math.exp(-3 * self._distance(request, s)) + 1e-9 for s in ranked]
        ratio = [math.log(max(s.peak_mb, 50.0) / _memory(s.request)) for s in ranked]
        factor: float = math.exp(float(np.average(ratio, weights=weights)))
        return mine * factor


def _scene_distance(request: Request, one: Seen) -> float:
    return abs(math.log(request.pixels / one.request.pixels)) + (request.scene != one.request.scene)


def measure() -> Speed:
    """About 0.1 s, with the libraries' own threads."""
    a = np.random.default_rng(0).standard_normal((384, 384), dtype=np.float32)
    best = math.inf
    for _ in range(8):
        started = time.perf_counter()
        for _ in range(4):
            a @ a
        best = min(best, (time.perf_counter() - started) / 4)
    small, count = a[:8, :8].copy(), 2000
    call = math.inf
    for _ in range(4):
        started = time.perf_counter()
        for _ in range(count):
            small @ small
        call = min(call, (time.perf_counter() - started) / count)
    return Speed(2 * 384**3 / best / 1e9 * 0.3, call * 8)  # networks reach a third; an operation of torch is 8 of these


def _memory(request: Request) -> float:
    """MiB of the process at its peak."""
    method = get_method(request.method)
    own = method.memory_mb(request.params, request.shape, max(request.labels, 1), max(request.classes, 1))
    return (
        TORCH_MB
        + (own if request.slot == "cpu" else 0.0)  # a GPU's memory is not the process's
        + 3 * request.pixels * request.shape[2] * 4 / (1 << 20)
        + request.pixels * request.classes * 8 / (1 << 20)
    )


def _parse(line: bytes) -> Seen | None:
    try:
        value = loads_object(line)
        request = Request(
            str(value["method"]), dict(value["params"]), str(value["scene"]), tuple(int(n) for n in value["shape"]),  # type: ignore[arg-type]
            int(value["labels"]), int(value["classes"]), str(value["slot"]), str(value["device"]),
        )  # fmt: skip
        phases = {str(k): float(v) for k, v in value["phases"].items()}
        seen = Seen(request, phases, float(value["peak_mb"]), bool(value["warm"]))
        if len(request.shape) != 3 or min(request.shape) < 1:
            return None
        _ = request.work
    except (ValueError, KeyError, TypeError, AttributeError, StudioError):
        return None  # torn, or of another version: one run less to learn from
    return seen
