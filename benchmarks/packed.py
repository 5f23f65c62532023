"""A sweep's results as three small files that git can hold, and back to the cells they were made of.

    NAME.csv                  a line a cell and protocol: what was run, its figures, seconds, memory, hash of the code
    NAME.confusion.jsonl.gz   a JSON a line of the CSV: the (K, K+1) confusion matrix its figures come from
    NAME.json                 the scenes (title, class names) and the parameters of every variant the CSV names

Nothing is lost: `unpack` writes cells equal to those that were packed, to the last digit, and `pack` refuses a cell
that holds more than the files can say. Numbers stand in the CSV as in JSON (0 and 0.0 differ); an empty field is None.
The same cells give the same bytes: the archive carries no time and no name, and lines keep the order of the cells.

A cell is the JSON of `run_cell`. Its figures stand in one line a protocol, so what belongs to the whole cell stands in
several lines and must be the same in all of them. Figures count for the code that made them (column `code`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio.engine.sweep.cells import FORMAT, Cell, Variant, write_cell
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem

CellJson = dict[str, Any]

KEY = ("scene", "label", "variant", "prompts", "shots", "seed", "draw", "protocol")
FIGURES = ("n_test", "oa", "aa", "kappa")
COST = ("prepare_seconds", "fit_seconds", "predict_seconds", "pixels", "pixels_per_second")
MEMORY = ("before_mb", "peak_mb", "since_start", "cuda_peak_mb", "load")
MADE = ("device", "threads", "code", "finished")
COLUMNS = ("method", *KEY, *FIGURES, "problem", "n_train", *COST, *MEMORY, *MADE)
TEXT = {"method", "scene", "label", "variant", "prompts", "draw", "protocol", "problem", "device", "threads", "code"}
SCENE_FACTS = ("scene_id", "title", "classes")


@dataclass(frozen=True)
class Unpacked:
    """What `unpack` did: cells written, cells that were there already, and cells of other code (hash → how many)."""

    written: int
    kept: int
    other_code: dict[str, int]


def names(file: Path) -> tuple[Path, Path, Path]:
    """(CSV, confusion matrices, scenes and variants) of a packed sweep; `file` is its CSV."""
    return file, file.with_suffix(".confusion.jsonl.gz"), file.with_suffix(".json")


def pack(cells: Sequence[CellJson], file: Path) -> None:
    """Write the three files. Raises BadRequest for cells that the files could not give back as they are."""
    table, matrices, facts = io.StringIO(), io.StringIO(), _Facts()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cell in cells:
        common = facts.add(cell)
        for protocol, result in cell["results"].items():
            line = {**common, "protocol": protocol, **{name: result.get(name) for name in (*FIGURES, "problem")}}
            writer.writerow({name: _written(name, value) for name, value in line.items()})
            matrices.write(json.dumps([*(line[name] for name in KEY), result.get("confusion")], ensure_ascii=False))
            matrices.write("\n")
    for target, content in zip(
        names(file), (table.getvalue().encode(), _zipped(matrices.getvalue()), facts.text().encode()), strict=True
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if load(file) != list(cells):
        raise BadRequest(f"{file} does not give back the cells it was made of; keep the folder they are in.")


def load(file: Path) -> list[CellJson]:
    """The cells of a packed sweep in their order. Raises FileProblem, CorruptFile."""
    table, zipped, facts_file = names(file)
    for needed in names(file):
        if not needed.is_file():
            raise FileProblem(needed, "it is missing", "A packed sweep is three files that lie side by side")
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        lines = gzip.decompress(zipped.read_bytes()).decode().splitlines()
        matrices = {tuple(key): matrix for *key, matrix in map(json.loads, lines)}
        cells: dict[tuple[Any, ...], CellJson] = {}
        for line in csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"), newline="")):
            row = {name: _read(name, text) for name, text in line.items()}
            key = tuple(row[name] for name in KEY)
            made = _cell(row, facts)
            cell = cells.setdefault(key[:-1], made)
            if {**made, "results": None} != {**cell, "results": None}:
                raise ValueError(f"two lines of one cell disagree: {key}")
            if row["problem"] is not None:
                cell["results"][row["protocol"]] = {"problem": row["problem"]}
            else:
                figures = {name: row[name] for name in FIGURES}
                cell["results"][row["protocol"]] = {**figures, "confusion": matrices[key]}
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise CorruptFile(table, f"it is no packed sweep ({error})", "Take it from the repository again") from error
    return list(cells.values())


def unpack(cells: Iterable[CellJson], folder: Path, code: str | None = None) -> Unpacked:
    """Cells as files of a sweep's folder; files that are there are kept. `code`: only cells made by this code."""
    written, kept, other = 0, 0, Counter[str]()
    for cell in cells:
        if code is not None and cell["code"] != code:
            other[cell["code"]] += 1
            continue
        place = place_of(cell, folder)
        if place.is_file():
            kept += 1
        else:
            write_cell(place, cell)
            written += 1
    return Unpacked(written, kept, dict(other))


def place_of(cell: CellJson, folder: Path) -> Path:
    """Where a sweep looks for the cell."""
    variant = Variant(cell["label"], cell["method"], cell["params"])
    key = Cell("", cell["scene"], variant, cell["prompts"], cell["shots"], cell["seed"], cell["draw"], ())
    return key.file(folder)


class _Facts:
    """Scenes and variants as they are met; what stands there once need not stand in every line."""

    def __init__(self) -> None:
        self.scenes: dict[str, dict[str, Any]] = {}
        self.variants: dict[str, dict[str, Any]] = {}

    def add(self, cell: CellJson) -> dict[str, Any]:
        """The fields of a CSV line that belong to the whole cell."""
        variant = Variant("", cell["method"], cell["params"])
        scene = {name: cell[name] for name in SCENE_FACTS}
        if self.scenes.setdefault(cell["scene"], scene) != scene:
            raise BadRequest(f"Two different scenes are called {cell['scene']}: pack them as two sweeps.")
        self.variants[variant.key] = {"method": cell["method"], "params": cell["params"]}
        own = ("scene", "label", "prompts", "shots", "seed", "draw", "n_train", *COST, *MADE)
        extra = set(cell) - {*own, *SCENE_FACTS, "format", "method", "params", "memory", "results"}
        extra |= set(cell["memory"]) - set(MEMORY)
        extra |= {k for r in cell["results"].values() for k in r} - {*FIGURES, "problem", "confusion"}
        if extra or cell["format"] != FORMAT or not cell["results"]:
            what = f"the fields {', '.join(sorted(extra))}" if extra else f"format {cell['format']} or no results"
            raise BadRequest(f"A cell of {cell['scene']} has {what}, which a packed sweep cannot hold.")
        common = {name: cell[name] for name in own}
        return {**common, **cell["memory"], "method": cell["method"], "variant": variant.key}

    def text(self) -> str:
        """One scene or variant a line, so that a change is seen as one."""
        blocks = []
        for title, entries in (("scenes", self.scenes), ("variants", self.variants)):
            lines = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in sorted(entries.items())]
            blocks.append(f'"{title}": {{\n' + ",\n".join(lines) + "\n}")
        return "{\n" + ",\n".join(blocks) + "\n}\n"


def _cell(row: dict[str, Any], facts: dict[str, Any]) -> CellJson:
    """The cell of a CSV line, without results; keys in the order of `run_cell`."""
    scene, variant = facts["scenes"][row["scene"]], facts["variants"][row["variant"]]
    return {
        "format": FORMAT,
        "scene": row["scene"],
        **{name: scene[name] for name in SCENE_FACTS},
        "label": row["label"],
        "method": row["method"],
        "params": variant["params"],
        **{name: row[name] for name in ("prompts", "shots", "seed", "draw", "n_train", *COST)},
        "memory": {name: row[name] for name in MEMORY},
        **{name: row[name] for name in MADE},
        "results": {},
    }


def _written(name: str, value: Any) -> str:
    if value is None:
        return ""
    return str(value) if name in TEXT else json.dumps(value)


def _read(name: str, text: str) -> Any:
    if text == "":
        return None
    return text if name in TEXT else json.loads(text)


def _zipped(text: str) -> bytes:
    """gzip without time and file name: the same text gives the same bytes."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)
