"""A model file comes back as it was written; anything else is refused with a reason, before memory is spent on it."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsi_studio.engine.models import checkpoint as checkpoint_file
from hsi_studio.engine.models.checkpoint import CheckpointFacts, read_checkpoint, read_header, write_checkpoint
from hsi_studio.engine.models.metadata import AccuracyFacts, ClassFacts, LabelFacts, SceneFacts
from hsi_studio.errors import BadValues, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.methods.contract import State
from tests.scene.fake import little_memory

CLASSES = [{"id": "a1", "name": "Corn", "color": "#ff0000"}, {"id": "b2", "name": "Soybeans", "color": "#00ff00"}]


def a_state() -> State:
    rng = np.random.default_rng(0)
    arrays = {
        "net.weight": rng.normal(size=(4, 3)).astype(np.float32),
        "bands": np.arange(5),
        "none": np.zeros((0, 0), np.float32),
        "one": np.array(2.5),
        "mask": np.array([True, False]),
    }
    return State(arrays, {"method": "live", "bands": 5, "scene": "0123", "classes": CLASSES, "7": 1, "x": [0.1, 1e-30]})


def some_facts(**changes: Any) -> CheckpointFacts:
    values: dict[str, Any] = {
        "method": "live",
        "classes": tuple(ClassFacts(**c) for c in CLASSES),
        "scene": SceneFacts(id="0123", name="small", bands=5, wavelength_nm=(400.0, 500.0, 600.0, 700.0, 800.0)),
        "labels": LabelFacts(fewest=1, most=3, total=4, revision=9),
        "accuracy": AccuracyFacts(oa=0.9, on="on 100 reference pixels"),
        "title": "Corn and beans",
        "tags": ("first",),
    }
    return CheckpointFacts(**{**values, **changes})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, a_state(), some_facts())
    return path


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """(index, our header, data) of a good file."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    index = json.loads(raw[8 : 8 + length])
    return index, json.loads(index["__metadata__"]["hsi_studio"]), raw[8 + length :]


def put(path: Path, index: dict[str, Any] | str, data: bytes, header: dict[str, Any] | str | None = None) -> None:
    """Write the parts again, with digests that fit: a forger can make them."""
    if isinstance(index, dict) and header is not None:
        if isinstance(header, dict):
            header["sha256"].pop("header", None)
            header["sha256"]["header"] = checkpoint_file._digest_of_text(header)
            header = json.dumps(header)
        index = {**index, "__metadata__": {"hsi_studio": header}}
    text = (index if isinstance(index, str) else json.dumps(index)).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_it_comes_back_bit_by_bit(model: Path) -> None:
    state, header = read_checkpoint(model)
    assert header.facts == some_facts()
    assert state.header == a_state().header
    assert state.arrays.keys() == a_state().arrays.keys()
    for name, array in a_state().arrays.items():
        assert state.arrays[name].dtype == array.dtype
        assert state.arrays[name].shape == array.shape
        assert np.array_equal(state.arrays[name], array)


def test_the_header_is_read_without_the_arrays(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    write_checkpoint(path, State({"w": np.zeros((3000, 1000), np.float32)}, {}), some_facts())
    with little_memory(1 << 20):
        header = read_header(path)
    assert header.facts.title == "Corn and beans"
    assert header.arrays["w"].shape == (3000, 1000)
    assert header.size == path.stat().st_size


def test_other_programs_can_read_the_weights(model: Path) -> None:
    from safetensors.numpy import load_file

    assert np.array_equal(load_file(model)["net.weight"], a_state().arrays["net.weight"])


def test_the_same_model_is_the_same_file(model: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "again.safetensors", a_state(), some_facts())
    assert (tmp_path / "again.safetensors").read_bytes() == model.read_bytes()


def test_a_failed_write_leaves_the_old_file(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.read_bytes()
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_checkpoint(model, a_state(), some_facts(title="new"))
    assert model.read_bytes() == before
    assert list(model.parent.iterdir()) == [model]


def test_weights_that_are_not_finite_are_neither_written_nor_read(model: Path) -> None:
    state = a_state()
    state.arrays["net.weight"][1, 2] = np.nan
    with pytest.raises(BadValues, match=r"1 of 12 numbers in “net\.weight” are not finite"):
        write_checkpoint(model, state, some_facts())
    for value in (math.nan, math.inf):
        index, header, data = parts(model)
        begin = index["net.weight"]["data_offsets"][0]
        hostile = data[:begin] + struct.pack("<f", value) + data[begin + 4 :]
        arrays = dict(a_state().arrays)
        arrays["net.weight"] = np.frombuffer(hostile[begin : begin + 48], "<f4").reshape(4, 3)
        header["sha256"]["arrays"] = checkpoint_file._digest_of_arrays(arrays)
        forged = model.with_name("forged.safetensors")
        put(forged, index, hostile, header)
        with pytest.raises(BadValues, match="not finite"):
            read_checkpoint(forged)


@pytest.mark.parametrize("keep", [0, 4, 8, 9, 200, -1, -40])
def test_a_truncated_file_is_refused(model: Path, keep: int) -> None:
    model.write_bytes(model.read_bytes()[:keep])
    with pytest.raises(CorruptFile):
        read_header(model)


def test_one_changed_bit_of_the_weights_is_found(model: Path) -> None:
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    read_header(model)  # it reads no weight
    with pytest.raises(CorruptFile, match="not those it was written with"):
        read_checkpoint(model)


def test_bytes_after_the_end_are_refused(model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"#!/bin/sh")
    with pytest.raises(CorruptFile, match="bytes, the file holds"):
        read_header(model)


@pytest.mark.parametrize("length", [2**63, 2**40, 200_000_000, 0])
def test_a_giant_header_costs_no_memory(tmp_path: Path, length: int) -> None:
    path = tmp_path / "giant.safetensors"
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", length))
        stream.truncate(300_000_000)  # sparse: the bytes are there for whoever believes the number
    with little_memory(1 << 20), pytest.raises(CorruptFile, match="index"):
        read_header(path)


Change = Callable[[dict[str, Any]], Any]
INDEX_CHANGES: dict[str, Change] = {
    "offset beyond the file": lambda i: i["bands"].update(data_offsets=[10**9, 10**9 + 40]),
    "negative offset": lambda i: i["bands"].update(data_offsets=[-40, 0]),
    "backwards": lambda i: i["bands"].update(data_offsets=i["bands"]["data_offsets"][::-1]),
    "overlap": lambda i: i["one"].update(data_offsets=[0, 8]),
    "shape too large": lambda i: i["bands"].update(shape=[6]),
    "shape of 2⁶⁰": lambda i: i["bands"].update(shape=[2**60]),
    "shapes whose product wraps around": lambda i: i["bands"].update(shape=[2**32, 2**32]),
    "negative shape": lambda i: i["bands"].update(shape=[-5]),
    "shape of floats": lambda i: i["bands"].update(shape=[5.0]),
    "shape of booleans": lambda i: i["one"].update(shape=[True]),
    "no values and a giant side": lambda i: i["none"].update(shape=[0, 2**40]),
    "too many dimensions": lambda i: i["bands"].update(shape=[5] + [1] * 40),
    "unknown type": lambda i: i["bands"].update(dtype="O"),
    "type as a list": lambda i: i["bands"].update(dtype=["I64"]),
    "other type": lambda i: i["bands"].update(dtype="F32"),
    "entry is no object": lambda i: i.update(bands=[1, 2]),
    "array left away": lambda i: i.pop("bands"),
}


@pytest.mark.parametrize("what", INDEX_CHANGES)
def test_a_wrong_index_is_refused_before_anything_is_allocated(model: Path, what: str) -> None:
    index, header, data = parts(model)
    INDEX_CHANGES[what](index)
    put(model, index, data, header)
    with little_memory(1 << 20), pytest.raises(CorruptFile):
        read_checkpoint(model)


HEADER_CHANGES: dict[str, tuple[type[FileProblem], Change]] = {
    "newer format": (UnknownFormat, lambda h: h.update(format=2)),
    "format as text": (UnknownFormat, lambda h: h.update(format="1")),
    "no format": (UnknownFormat, lambda h: h.pop("format")),
    "another method in the facts": (CorruptFile, lambda h: h["facts"].update(method="diffclip")),
    "a method that is a path": (CorruptFile, lambda h: h["facts"].update(method="../../evil")),
    "other classes": (CorruptFile, lambda h: h["facts"]["classes"][0].update(name="Gold")),
    "other bands": (CorruptFile, lambda h: h["facts"]["scene"].update(bands=6)),
    "another scene": (CorruptFile, lambda h: h["facts"]["scene"].update(id="4567")),
    "run id that is a path": (CorruptFile, lambda h: h["facts"].update(run_id="../../../etc")),
    "parent that is a path": (CorruptFile, lambda h: h["facts"].update(parent="/etc/passwd")),
    "accuracy above 1": (CorruptFile, lambda h: h["facts"]["accuracy"].update(oa=1.5)),
    "facts are a list": (CorruptFile, lambda h: h.update(facts=[])),
    "no state": (CorruptFile, lambda h: h.pop("header")),
    "classes without names": (CorruptFile, lambda h: h["header"].update(classes=[1, 2])),
    "half a million classes": (CorruptFile, lambda h: h["facts"].update(classes=h["facts"]["classes"] * 250_000)),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HEADER_CHANGES)
def test_a_lying_header_is_refused(model: Path, what: str) -> None:
    kind, change = HEADER_CHANGES[what]
    index, header, data = parts(model)
    change(header)
    put(model, index, data, header)
    with pytest.raises(kind):
        read_header(model)


def test_a_header_changed_without_its_digest_is_refused(model: Path) -> None:
    raw = model.read_bytes()
    model.write_bytes(raw.replace(b"Corn and beans", b"Corn and BEANS"))
    with pytest.raises(CorruptFile, match="not the one it was written with"):
        read_header(model)


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"a": NaN}', '{"a": 1e999}', "[" * 100_000, "1" * 5000, "\ud800"])
def test_metadata_that_is_not_our_json_is_refused(model: Path, text: str) -> None:
    index, _, data = parts(model)
    put(model, index, data, text)
    with pytest.raises(CorruptFile):
        read_header(model)


def test_names_that_occur_twice_are_refused(model: Path) -> None:
    index, header, data = parts(model)
    text = json.dumps(index)
    put(model, text[:-1] + ', "bands": ' + json.dumps(index["bands"]) + "}", data)
    with pytest.raises(CorruptFile, match="occurs twice"):
        read_header(model)
    twice = json.dumps(header)[:-1] + ', "format": 1}'
    put(model, index, data, twice)
    with pytest.raises(CorruptFile, match="occurs twice"):
        read_header(model)


def test_plain_weights_and_other_files_are_unknown(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    plain = tmp_path / "plain.safetensors"
    save_file({"w": np.zeros(3, np.float32)}, plain)
    with pytest.raises(UnknownFormat, match="without the header"):
        read_header(plain)
    pickle = tmp_path / "model.pt"
    pickle.write_bytes(b"\x80\x04\x95cposix\nsystem\n(S'touch /tmp/pwned'\ntR." * 9)
    with pytest.raises(FileProblem):
        read_checkpoint(pickle)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be read"):
        read_header(tmp_path / "missing.safetensors")
    with pytest.raises(FileProblem, match="not a file"):
        read_header(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileProblem, match="not a file"):
        read_header(pipe)


def test_control_characters_and_long_texts_are_cut() -> None:
    facts = some_facts(title="../../x\x00\x1b[2J" + "y" * 1000, tags=("a\nb",))
    assert facts.title.startswith("../../x [2Jy")  # a title is text; nothing makes a path of it
    assert len(facts.title) == 200
    assert facts.tags == ("a b",)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_changed_bytes_are_refused_and_nothing_else_happens(model: Path, data: st.DataObject) -> None:
    good = model.read_bytes()
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    raw = raw[: data.draw(st.sampled_from([len(raw), len(raw), data.draw(st.integers(0, len(raw)))]))]
    changed = model.with_name("changed.safetensors")
    changed.write_bytes(raw)
    for read in (read_header, read_checkpoint):
        try:
            got = read(changed)
        except FileProblem:
            continue
        header = got if isinstance(got, checkpoint_file.Header) else got[1]
        assert header.facts == some_facts()  # a change that says the same (white space, an escape)
        if isinstance(got, tuple):
            assert all(np.array_equal(got[0].arrays[n], a) for n, a in a_state().arrays.items())
