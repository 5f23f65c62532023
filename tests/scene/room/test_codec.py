"""Values out of the room: they come back as they were, and only if they are of the types that are declared."""

from __future__ import annotations

import io
import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.room import codec, cubes
from hsi_studio.types import Bands, Survey

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def through(value: Any, folder: Path, files: list[Path] | None = None) -> Any:
    """A value written and read again."""
    stream = io.BytesIO()
    said = json.loads(json.dumps(codec.Writer(stream, files or [], cubes.parts).encode(value)))
    (folder / "data.bin").write_bytes(stream.getvalue())
    return codec.Reader(folder / "data.bin", files or [], cubes=cubes.made).decode(said)


@settings(max_examples=40, deadline=None)
@given(PLAIN)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    def same(one: Any, other: Any) -> bool:
        return type(one) is type(other) and repr(one) == repr(other)

    said = json.loads(json.dumps(codec.Writer(io.BytesIO(), []).encode(value)))
    assert same(codec.Reader(None, []).decode(said), value)


def test_what_json_has_not_comes_back_too(tmp_path: Path) -> None:
    assert math.isnan(through(math.nan, tmp_path))
    assert through((math.inf, {3: "a"}, frozenset({1})), tmp_path) == (math.inf, {3: "a"}, frozenset({1}))
    assert through([tmp_path / "a", tmp_path / "b"], tmp_path, [tmp_path / "a"]) == [tmp_path / "a", Path("b")]


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">f8", "?", "U5", "S3"])
def test_arrays_come_back(tmp_path: Path, dtype: str) -> None:
    values = (np.arange(60).reshape(3, 4, 5) % 2).astype(dtype)
    for one in (values, np.asfortranarray(values), values[:, ::2], np.empty((0, 3), dtype)):
        found = through(one, tmp_path)
        assert found.dtype == one.dtype
        assert np.array_equal(found, one)


def test_every_field_of_a_raster_travels(tmp_path: Path) -> None:
    values = np.arange(24, dtype="i2").reshape(2, 3, 4)
    raster = Raster(
        ArrayCube(values, scale=np.arange(1, 5), nodata=5),
        Bands(4, np.arange(4, dtype=np.float32), usable=np.ones(4, np.bool_)),
        files=(tmp_path / "a",),
        dsm=np.ones((2, 3, 1), np.float32),
        reference=np.ones((2, 3), np.int32),
        class_names={1: "Läufer"},
        transform=(1.0, 0.0, 5.0, 0.0, -1.0, 7.0),
        gsd_m=2,
        notes=("One.", "Two."),
    )
    found = through(raster, tmp_path, [tmp_path / "a"])
    for one in fields(Raster):
        wanted, got = getattr(raster, one.name), getattr(found, one.name)
        if one.name == "cube":
            assert np.array_equal(got.read(*[slice(None)] * 2), wanted.read(*[slice(None)] * 2), equal_nan=True)
        elif one.name == "bands":
            assert np.array_equal(got.wavelength_nm, wanted.wavelength_nm)
        elif isinstance(wanted, np.ndarray):
            assert np.array_equal(got, wanted)
        else:
            assert got == wanted


def test_what_could_run_code_or_is_not_known_stays_inside() -> None:
    for value in (print, object(), np.array([object()]), lambda: 0, 1j, b"x"):
        with pytest.raises(TypeError, match="cannot leave the room"):
            codec.Writer(io.BytesIO(), []).encode(value)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Bands, {"count": "4"}),
        (Bands, {"count": 4, "wavelength_nm": [1.0, 2.0]}),
        (Bands, {"count": 4, "other": 1}),
        (Bands, {"count": True}),
        (Survey, {"valid": None}),
    ],
)
def test_fields_of_another_type_than_declared_are_refused(kind: type, wrong: dict[str, Any]) -> None:
    said = {"#data": f"{kind.__module__}:{kind.__name__}", "fields": wrong}
    with pytest.raises(codec.BadDescription):
        codec.Reader(None, []).decode(said)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200) | PLAIN.map(lambda value: json.dumps(value).encode()))
def test_any_description_is_a_value_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(data)
    try:
        codec.Reader(None, []).decode(codec.load_json(file))
    except codec.BadDescription:
        return
