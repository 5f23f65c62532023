"""Any bytes under the name of a label file: labels on the scene or a typed error, never anything else.

python -m tests.io.label_files.test_fuzz 5000        a longer run by hand, with the count of what came of it
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsi_studio.errors import StudioError
from hsi_studio.io.label_import import LabelOptions, read_labels
from hsi_studio.types import ClassSchema, Scene
from tests.io.label_files.places import box, geojson, scene
from tests.io.label_files.test_envi_roi import XML, polygon, region, roi_text
from tests.io.label_files.test_vectors import kml, marks, points
from tests.project.small import small_scene

FEW = 60
DAMAGE = ["change", "change", "change", "cut", "double", "put"]
SEEN: Counter[str] = Counter()
NUMBERS = st.one_of(
    st.integers(-20, 40),
    st.floats(),
    st.sampled_from(["1e400", "1,5", "1.234,5", "", "nan", 1e308, -1e-308, 600009, 4479993]),
)
NAMES = st.one_of(
    st.sampled_from(["A", "Wald", "", "=1", "\u202e", "x" * 200]), st.text(max_size=8), st.integers(), st.none()
)
POSITIONS = st.lists(NUMBERS, min_size=0, max_size=4)
CRS_NAMES = st.sampled_from(
    ["EPSG:4326", "urn:ogc:def:crs:EPSG::32616", "EPSG:1", "/etc/passwd", "", "PROJCS[", "CRS84", 7]
)
KEYS = st.sampled_from(["class", "row", "col", "species", "name", "color", "fid"])
GEOMETRIES = st.recursive(
    st.one_of(
        st.none(),
        st.builds(lambda p: {"type": "Point", "coordinates": p}, POSITIONS),
        st.builds(lambda ps: {"type": "LineString", "coordinates": ps}, st.lists(POSITIONS, max_size=5)),
        st.builds(lambda ps: {"type": "Polygon", "coordinates": [ps + ps[:1]]}, st.lists(POSITIONS, max_size=6)),
        st.builds(lambda ps: {"type": "MultiPoint", "coordinates": ps}, st.lists(POSITIONS, max_size=4)),
        st.dictionaries(
            st.sampled_from(["type", "coordinates"]), st.one_of(POSITIONS, st.text(max_size=9)), max_size=2
        ),
    ),
    lambda inner: st.builds(lambda gs: {"type": "GeometryCollection", "geometries": gs}, st.lists(inner, max_size=3)),
    max_leaves=4,
)
FEATURES = st.fixed_dictionaries(
    {"geometry": GEOMETRIES, "properties": st.dictionaries(KEYS, st.one_of(NAMES, NUMBERS), max_size=4)}
)
DOCUMENTS = st.fixed_dictionaries(
    {"type": st.just("FeatureCollection"), "features": st.lists(FEATURES, max_size=6)},
    optional={
        "crs": st.builds(lambda n: {"type": "name", "properties": {"name": n}}, CRS_NAMES),
        "coordinates": st.sampled_from(["pixel column, row", "WGS 84", 3]),
        "scene": st.one_of(st.none(), st.fixed_dictionaries({"shape": st.lists(st.integers(), max_size=3)})),
    },
)
HEADS = st.lists(
    st.sampled_from(
        ["row", "col", "class", "x", "y", "lon", "lat", "Klasse", "WKT", "Rechtswert", "Hochwert", "line", "sample", ""]
    ),
    min_size=1, max_size=6,
)  # fmt: skip
CELLS = st.one_of(NUMBERS.map(str), NAMES.map(str), st.sampled_from(["POINT (1 2)", '"', "600009,0", "4.479.993"]))
OPTIONS = st.builds(
    LabelOptions,
    attribute=st.sampled_from([None, None, "class", "x"]), layer=st.sampled_from([None, None, "labels"]),
    crs=st.sampled_from([None, None, None, "scene", "latlon", "pixel", "EPSG:32616", "x"]),
    per_area=st.sampled_from([None, 0, 3]), first=st.sampled_from([None, 0, 1]),
)  # fmt: skip


@cache
def samples() -> dict[str, list[bytes]]:
    """Whole files of each kind, to be damaged."""
    found: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        points(here / "l.shp")
        with zipfile.ZipFile(here / "l.zip", "w") as archive:
            for part in here.glob("l.*"):
                if part.suffix != ".zip":
                    archive.write(part, part.name)
        made = [
            points(here / "l.gpkg"), here / "l.zip",
            kml(here / "l.kml", ("A", marks("Wald", "Wasser")), ("B", marks("Acker"))),
            roi_text(here / "l.txt", "ID X Y Map X Map Y"),
            geojson(here / "l.geojson", [(box((1, 2), (3, 4), "EPSG:4326"), {"class": "A"})]),
        ]  # fmt: skip
        (here / "l.xml").write_text(XML.format(region("A", polygon((1, 1), (4, 1), (4, 4), (1, 1)), "none")))
        for path in [*made, here / "l.xml"]:
            found.setdefault(path.suffix, []).append(path.read_bytes())
        for part in (".shp", ".dbf", ".shx", ".prj"):
            found[part] = [(here / "l").with_suffix(part).read_bytes()]
    return found


@st.composite
def damaged(draw: Any) -> tuple[str, bytes]:
    """A file of any kind with some bytes changed, cut off, doubled or put in."""
    ending = draw(st.sampled_from(sorted(samples())))
    data = bytearray(samples()[ending][0])
    for _ in range(draw(st.integers(1, 6))):
        at, kind = (
            draw(st.integers(0, max(0, len(data) - 1))),
            draw(st.sampled_from(DAMAGE)),
        )
        if kind == "change" and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at:]
        elif kind == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            data[at:at] = draw(st.binary(max_size=8))
    return ending, bytes(data)


@st.composite
def files(draw: Any) -> tuple[str, bytes]:
    """(ending, content)."""
    kind = draw(st.sampled_from(["geojson", "csv", "damaged", "damaged", "bytes"]))
    if kind == "geojson":
        return ".geojson", json.dumps(draw(DOCUMENTS)).encode()
    if kind == "csv":
        mark = draw(st.sampled_from(",;\t|"))
        lines = [draw(HEADS), *draw(st.lists(st.lists(CELLS, max_size=6), max_size=5))]
        text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(mark.join(line) for line in lines)
        return draw(st.sampled_from([".csv", ".txt"])), text.encode(
            draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"])), "replace"
        )
    if kind == "damaged":
        found: tuple[str, bytes] = draw(damaged())
        return found
    endings = [
        ".geojson",
        ".csv",
        ".txt",
        ".kml",
        ".gpkg",
        ".zip",
        ".shp",
        ".xml",
        ".roi",
        ".tif",
        ".hdr",
        ".npy",
        ".mat",
        "",
    ]
    return draw(st.sampled_from(endings)), draw(st.binary(max_size=400))


SCENES = [scene(), small_scene()]


def take(given_file: tuple[str, bytes], options: LabelOptions, on: Scene) -> None:
    """Read it; what comes is labels on the scene or a StudioError."""
    ending, data = given_file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"l{ending}"
        if ending in (".shp", ".dbf", ".shx", ".prj"):
            for part in (".shp", ".dbf", ".shx", ".prj"):
                path.with_suffix(part).write_bytes(samples()[part][0])
        path.write_bytes(data)
        try:
            found = read_labels(path, on, ClassSchema(), options)
        except StudioError as error:
            SEEN[type(error).__name__] += 1
            return
    SEEN["labels" if found.labels else "no labels"] += 1
    assert len({label[:2] for label in found.labels}) == len(found.labels)
    for row, col, name, color in found.labels:
        assert 0 <= row < on.shape[0]
        assert 0 <= col < on.shape[1]
        assert name.strip()
        assert color is None or len(color) == 7
    json.dumps(found.to_json(), allow_nan=False)


COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@pytest.mark.slow
@settings(max_examples=FEW, **COMMON)
@given(files(), OPTIONS, st.sampled_from(SCENES))
def test_any_file_is_labels_or_a_typed_error(given_file: tuple[str, bytes], options: LabelOptions, on: Scene) -> None:
    take(given_file, options, on)


if __name__ == "__main__":
    many = settings(max_examples=int(sys.argv[1]), **(COMMON | {"derandomize": False, "database": None}))
    many(given(files(), OPTIONS, st.sampled_from(SCENES))(take))()
    print(dict(SEEN))
