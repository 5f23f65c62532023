"""GeoPackage, shapefile and KML, read in a room of their own (`scene/room`): GDAL and SQLite are large, and what they
read was chosen by strangers. What leaves the room is plain: geometries as WKB bytes in one array, attributes as texts
and numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.io.label_files.records import LabelOptions, Layer
from hsi_studio.io.label_files.vectors import read_vectors as read_here
from hsi_studio.scene.room.access import trusted


@dataclass
class FlatLayer:
    """A `Layer` without shapely's objects. Geometry k is `wkb[ends[k - 1]:ends[k]]`; of no bytes: there is none."""

    facts: dict[str, Any]  # the layer's other fields
    wkb: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]


def read_vectors(shown: Path, main: Path, kind: str, options: LabelOptions) -> list[Layer]:
    """As `vectors.read_vectors`, and what `room.opening.run` raises."""
    if trusted():
        return read_here(shown, main, kind, options)
    from hsi_studio.scene.room.opening import run

    found: list[FlatLayer] = run(flat_layers, main, shown.name, kind, options.layer, options.attribute)
    return [unpacked(flat, shown) for flat in found]


def flat_layers(main: Path, shown: str, kind: str, layer: str | None, attribute: str | None) -> list[FlatLayer]:
    """What happens in the room."""
    options = LabelOptions(layer=layer, attribute=attribute)
    return [packed(found) for found in read_here(Path(shown), main, kind, options)]


def packed(layer: Layer) -> FlatLayer:
    """A layer for the way out of the room."""
    import shapely

    pieces = [b"" if shape is None else shapely.to_wkb(shape) for shape in layer.geometry]
    columns = {name: [_plain(value) for value in values] for name, values in layer.columns.items()}
    kept = [one.name for one in fields(Layer) if one.name not in ("path", "geometry", "columns")]
    return FlatLayer(
        {"columns": columns, **{name: getattr(layer, name) for name in kept}},
        np.frombuffer(b"".join(pieces), dtype=np.uint8),
        np.cumsum([len(piece) for piece in pieces], dtype=np.int64),
    )


def unpacked(flat: FlatLayer, shown: Path) -> Layer:
    """The layer again. Bytes that are no geometry count as none."""
    import shapely

    data, starts = flat.wkb.tobytes(), np.concatenate([[0], flat.ends[:-1]]) if len(flat.ends) else flat.ends
    pieces = [data[a:b] or None for a, b in zip(starts.tolist(), flat.ends.tolist(), strict=True)]
    geometry = list(shapely.from_wkb(np.array(pieces, dtype=object), on_invalid="ignore")) if pieces else []
    return Layer(path=shown, geometry=geometry, **flat.facts)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
