"""How long a piece of work will still take, from how much of it is done. Work may begin part done, after a pause."""

from __future__ import annotations

import time

LEAST = 0.02  # done since the start before an estimate is given


class Clock:
    """Starts at the first question."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def left(self, fraction: float) -> float | None:
        """Seconds left when `fraction` of the work is done; None while nobody can know."""
        now = time.perf_counter()
        if self._began is None:
            self._began = now, fraction
        since, done = now - self._began[0], fraction - self._began[1]
        return since * (1.0 - fraction) / done if done > LEAST else None
