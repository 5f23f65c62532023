"""A run's curves for other programs: CSV, or TensorBoard's event files where that package is installed."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from hsi_studio.engine.runs.events import Event
from hsi_studio.errors import BadRequest


class Scalar(NamedTuple):
    """One point of one curve. `value` None = it was not finite."""

    seconds: float  # since 1970
    stage: str
    step: int
    name: str
    value: float | None


def scalars(events: Iterable[Event]) -> Iterator[Scalar]:
    """Every value of every metric event, in order."""
    for event in events:
        if event["kind"] == "metric":
            for name, value in event["values"].items():
                yield Scalar(float(event["t"]), str(event["stage"]), int(event["step"]), str(name), value)


def write_csv(events: Iterable[Event], stream: TextIO) -> int:
    """Columns as in `Scalar`; returns the number of rows."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(Scalar._fields)
    rows = list(scalars(events))
    writer.writerows(["" if item is None else item for item in row] for row in rows)
    return len(rows)


def write_tensorboard(events: Iterable[Event], folder: Path) -> int:
    """Event files under `folder`, curves named "stage/name". Raises BadRequest when TensorBoard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise BadRequest("TensorBoard is not installed: run pip install tensorboard, or export with --csv FILE.")
    from torch.utils.tensorboard import SummaryWriter

    count = 0
    with SummaryWriter(str(folder)) as writer:
        for point in scalars(events):
            if point.value is not None:
                writer.add_scalar(f"{point.stage}/{point.name}", point.value, point.step, walltime=point.seconds)
                count += 1
    return count
