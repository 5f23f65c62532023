"""Run folders: records, events with torn ends, labels, maps; wrong files are refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.runs.curves import scalars, write_csv
from hsi_studio.engine.runs.events import EventLog, EventTail, read_events
from hsi_studio.engine.runs.record import find_run, new_run_id, seconds_between
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.types import Prediction
from tests.engine.halves import walk_run


def test_events_are_numbered_from_one_and_read_from_anywhere(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(5):
        log.append("metric", stage="fit", step=step, steps=5, values={"loss": np.float32(0.5), "lr": float("nan")})
    tail = EventTail(tmp_path / "events.jsonl")
    assert [event["seq"] for event in tail.after()] == [1, 2, 3, 4, 5]
    assert [event["step"] for event in tail.after(3)] == [3, 4]
    assert tail.after(5) == []
    assert tail.after()[0]["values"] == {"loss": 0.5, "lr": None}
    log.append("log", level="info", text="héllo\nworld")
    assert [event["kind"] for event in tail.after(5)] == ["log"]
    assert tail.last("metric")["step"] == 4  # type: ignore[index]


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_torn_last_line_is_passed_over_and_then_cut_off(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "events.jsonl"
    log = EventLog(file)
    log.append("log", level="info", text="first")
    log.append("log", level="info", text="second")
    file.write_bytes(file.read_bytes()[:-cut])
    tail = EventTail(file)
    assert [event["text"] for event in tail.after()] == ["first"]
    EventLog(file).append("log", level="info", text="third")
    assert [(event["seq"], event["text"]) for event in tail.after()] == [(1, "first"), (2, "third")]
    assert read_events(file) == tail.after()


def test_a_damaged_line_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    log = EventLog(file)
    log.append("log", text="a")
    with file.open("ab") as stream:
        stream.write(b'\x00\xff nonsense\n[1, 2]\n{"seq": "2", "kind": "log"}\n')
    EventLog(file).append("log", text="b")
    assert [event["text"] for event in read_events(file)] == ["a", "b"]


def test_no_file_is_no_event(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == []


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    record = folder.read()
    folder.write(record)
    assert folder.read() == record
    assert record.shots == (3, 3)
    labels = folder.read_labels(record)
    assert labels.counts.tolist() == [3, 3]
    assert labels.schema.names == ["upper", "lower"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"id": "x"}',
        b"[" * 100_000,
        b'{"id": "20260101-000000-abcdef", "state": "odd"}',
    ],
)
def test_a_corrupt_record_is_refused_with_its_file_and_a_remedy(tmp_path: Path, content: bytes) -> None:
    folder = walk_run(tmp_path)
    folder.record_file.write_bytes(content)
    with pytest.raises(FileProblem, match=r"run\.json: .*Delete the run"):
        folder.read()


def test_the_record_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    value = json.loads(folder.record_file.read_bytes())
    folder.record_file.write_text(json.dumps({**value, "id": "../../elsewhere"}))
    with pytest.raises(CorruptFile, match="another run"):
        folder.read()


@pytest.mark.parametrize(
    "points", ['[["0", 0]]', "[[30, 0, ID]]", "[[-1, 0, ID]]", '[[0, 0, "unknown"]]', "7", "[[1e999, 0, ID]]"]
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, points: str) -> None:
    folder = walk_run(tmp_path)
    record = folder.read()
    text = points.replace("ID", json.dumps(record.classes[0].id))
    (folder / "labels.json").write_text(f'{{"revision": 1, "points": {text}}}')
    with pytest.raises(FileProblem, match=r"labels\.json"):
        folder.read_labels(record)


def test_maps_of_another_size_or_kind_are_refused_before_they_are_read(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    record = folder.read()
    assert folder.read_map(record) is None
    label, confidence = np.ones((30, 30), np.uint16), np.ones((30, 30), np.float32)
    folder.write_map(Prediction(record.class_schema, label, confidence, "fake", {}, 0))
    found = folder.read_map(record)
    assert found is not None
    assert (found.label == 1).all()
    wrong = [
        {"label": label[:5], "confidence": confidence},
        {"label": label.astype(np.int64), "confidence": confidence},
        {"label": label},
        {"label": label + 7, "confidence": confidence},
        {"label": np.array([{}], dtype=object), "confidence": confidence},
    ]
    for arrays in wrong:
        np.savez(folder.map_file, **arrays)
        with pytest.raises(CorruptFile, match=r"map\.npz"):
            folder.read_map(record)
    np.savez_compressed(folder.map_file, label=label, confidence=confidence)
    whole = bytearray(folder.map_file.read_bytes())
    start = 30 + int.from_bytes(whole[26:28], "little") + int.from_bytes(whole[28:30], "little")  # of the packed bytes
    packed, version = whole.copy(), whole.copy()
    packed[start : start + 8] = b"\xff" * 8
    version[4] = version[whole.rindex(b"PK\x01\x02") + 6] = version[whole.index(b"PK\x01\x02") + 6] = 179
    for data in (b"PK\x03\x04 not really", packed, version):
        folder.map_file.write_bytes(data)
        with pytest.raises(CorruptFile, match=r"map\.npz"):
            folder.read_map(record)


def test_run_ids_sort_by_time_and_lead_to_no_other_folder(tmp_path: Path) -> None:
    assert new_run_id() != new_run_id()
    folder = walk_run(tmp_path)
    projects = folder.path.parents[2]
    assert find_run(projects, folder.path.name).path == folder.path
    for wrong in ("nothing", "..", "", "../runs/20260101-000000-abcdef", "a/b"):
        with pytest.raises(BadRequest, match="no run"):
            find_run(projects, wrong)


def test_curves_as_rows(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("metric", stage="fit", step=3, steps=9, values={"loss": 0.25, "lr": float("inf")})
    log.append("log", level="info", text="not a curve")
    rows = list(scalars(read_events(log.path)))
    assert [(row.stage, row.step, row.name, row.value) for row in rows] == [
        ("fit", 3, "loss", 0.25),
        ("fit", 3, "lr", None),
    ]
    with (tmp_path / "curves.csv").open("w", newline="") as stream:
        assert write_csv(read_events(log.path), stream) == 2
    lines = (tmp_path / "curves.csv").read_text().splitlines()
    assert lines[0] == "seconds,stage,step,name,value"
    assert lines[1].endswith(",fit,3,loss,0.25")


def test_seconds_between_times_of_a_record() -> None:
    assert seconds_between("2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.500Z") == 60.5
    assert seconds_between("", "2026-01-01T00:01:00.500Z") is None
