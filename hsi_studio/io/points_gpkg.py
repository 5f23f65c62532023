"""Random pixels as points of a GeoPackage, to be labelled in another program, and read back.

Layer `sample`: id (from 1), row, col (from 0), class, note. The class is empty until somebody looked: the map's is not
in the file, so that whoever labels does not know it. A class is a name of the project's; "?" = cannot tell. Without a
coordinate system the points are (column + 0.5, −(row + 0.5)), so that they lie as on the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.files import replacing
from hsi_studio.io.lonlat import placed_crs, written_xy
from hsi_studio.io.whole import whole_geopackage
from hsi_studio.types import Scene

LAYER, UNKNOWN = "sample", "?"


def point_places(scene: Scene, row: np.ndarray, col: np.ndarray) -> list[tuple[float, float]]:
    """Map coordinates of pixel centres; pixel coordinates with y upward without a transform."""
    found = [written_xy(scene, float(r), float(c)) for r, c in zip(row, col, strict=True)]
    return [(float(c) + 0.5, -(float(r) + 0.5)) if xy is None else xy for xy, r, c in zip(found, row, col, strict=True)]


def write_points(path: Path, scene: Scene, row: np.ndarray, col: np.ndarray, names: Sequence[str]) -> Path:
    """`names`: a class name, `UNKNOWN` or "" for each point."""
    import shapely
    from pyogrio.raw import write

    places = point_places(scene, row, col)
    path = Path(path)
    with (
        replacing(path) as partial,
        whole_geopackage(partial, path.name, LAYER, row.size),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message="'crs' was not provided")  # the scene has none, as the module says
        write(
            str(partial), shapely.to_wkb(shapely.points(np.array(places, dtype=np.float64).reshape(-1, 2))),
            [np.arange(1, row.size + 1), row.astype(np.int64), col.astype(np.int64),
             np.array(list(names), dtype=object), np.array([""] * row.size, dtype=object)],
            ["id", "row", "col", "class", "note"], layer=LAYER, driver="GPKG", geometry_type="Point",
            crs=placed_crs(scene),
            dataset_options={"VERSION": "1.3"},  # newer ones are new to programs of a few years ago
        )  # fmt: skip
    return path


def read_points(path: Path) -> dict[int, tuple[str, tuple[int, int] | None]]:
    """id → (what stands under `class`, as far as something does; row and column, where they are there).

    The file is read in a room of its own (`scene/room`), as every file that strangers may have made. Raises
    FileProblem, CorruptFile and what `room.opening.run` raises.
    """
    from hsi_studio.scene.room.access import trusted

    if trusted():
        found = table_in_file(path)
    else:
        from hsi_studio.scene.room.opening import run

        found = run(table_in_file, path)
    places = [None if row < 0 else (row, col) for row, col in zip(found["row"], found["col"], strict=True)]
    return dict(zip(found["id"], zip(found["class"], places, strict=True), strict=True))


def table_in_file(path: Path) -> dict[str, list[Any]]:
    """`id`, `class`, `row` and `col` (−1 = not there) of the points that have a class: what happens in the room. Raises
    FileProblem."""
    import pyogrio.errors
    from pyogrio.raw import read

    try:
        meta, _, _, columns = read(str(path), layer=LAYER, read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise CorruptFile(path, f"no GeoPackage with a layer “{LAYER}” ({error})", "Export the sample again") from error
    fields = dict(zip(meta["fields"].tolist(), columns, strict=True))
    missing = {"id", "class"} - fields.keys()
    if missing:
        raise FileProblem(path, f"the layer has no field {', '.join(sorted(missing))}", "Keep the fields as exported")
    names = ["" if name is None else str(name).strip() for name in fields["class"].tolist()]
    told = [k for k, name in enumerate(names) if name]
    found = {key: [_whole(fields[key][k]) if key in fields else -1 for k in told] for key in ("id", "row", "col")}
    if any(number < 0 for number in found["id"]):
        raise CorruptFile(path, "a point has lost its number (id)", "Export the sample again and fill in `class` alone")
    return {**found, "class": [names[k] for k in told]}


def _whole(value: Any) -> int:
    """−1 for what is no number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return -1
