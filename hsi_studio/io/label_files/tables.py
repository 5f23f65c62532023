"""CSV and its kin, as any spreadsheet of Europe writes them: , ; tab or | between the cells, decimal commas, UTF-16.

With semicolons, tabs or bars between the cells, a comma in a number is the decimal sign and points group thousands;
with commas between the cells a quoted "500025,0" has a decimal comma too. "500,025" in quotes may be either, and is
refused.
Geometry comes from a WKT column, from x and y, or from longitude and latitude; else rows and columns count.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.io.coordinates import number
from hsi_studio.io.label_csv import unescape_cell
from hsi_studio.io.label_files.attributes import (
    CLASS,
    COL,
    LAT,
    LON,
    PLACES,
    ROW,
    WKT,
    X,
    Y,
    class_attribute,
    column,
    plain,
)
from hsi_studio.io.label_files.records import MOST_FEATURES, LabelOptions, Layer

DELIMITERS = ",;\t|"
OURS = ["row", "col", "class", "x", "y", "color"]
GROUPS = re.compile(r"[\s\u00a0\u202f\u2009'’]")
WAYS = (("map", X, Y), ("lonlat", LON, LAT))
MOST_COLUMNS = 2000
MOST_ABOVE = 20  # lines of a title above the names of the columns


def read_table(path: Path, text: str, options: LabelOptions) -> Layer:
    """Raises CorruptFile with the line, FileProblem and ChooseLabels for the header."""
    header, rows, delimiter = _cells(path, text)
    where = [f"line {line}" for line, _ in rows]
    columns: dict[str, list[str]] = {}
    for index, name in enumerate(header):
        key, n = name or f"column {index + 1}", 2
        while key in columns:
            key, n = f"{name} ({n})", n + 1
        columns[key] = [cells[index] if index < len(cells) else "" for _, cells in rows]
    layer = Layer(path, "CSV", where, [None] * len(rows), {})
    taken = _placed(layer, columns, delimiter)
    layer.columns = {name: [unescape_cell(v) for v in values] for name, values in columns.items() if name not in taken}
    rows_cols = [column(list(columns), wanted) for wanted in (ROW, COL)]
    by_rows = rows_cols[0] is not None and rows_cols[1] is not None
    classes = {name: values for name, values in layer.columns.items() if plain(name) not in PLACES}
    if not classes or (not taken and not by_rows and column(list(classes), CLASS) is None):
        raise FileProblem(
            path, f"line 1 names no class column (it has: {', '.join(header)[:120]})", "Call it class, label or name"
        )
    if not taken and not by_rows:
        raise FileProblem(
            path,
            f"line 1 names no columns for the place (it has: {', '.join(header)[:120]})",
            "Call them row and col (from 0), x and y (map coordinates), or lon and lat",
        )
    layer.class_column, why = class_attribute(path, classes, options.attribute, "column")
    layer.notes += [why] if why else []
    names = list(columns)
    needed = max(names.index(str(n)) for n in (*taken, *(rows_cols if by_rows else ()), layer.class_column))
    for line, cells in rows:
        if len(cells) <= needed:
            raise CorruptFile(
                path, f"line {line} has {len(cells)} values, the header {len(header)}", "Complete the line"
            )
    if by_rows:
        for key, source in zip(("row", "col"), rows_cols, strict=True):
            layer.columns[key] = [_plain_number(v, delimiter) for v in columns[str(source)]]
        if plain(str(rows_cols[0])) != "row" and not taken and options.first is None:
            layer.notes.append("Rows and columns (lines and samples) are read as counted from 0.")
        layer.prefers_rows = [plain(name) for name in header] == OURS  # a table that no GIS has written
    return layer


def _cells(path: Path, text: str) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """(header, (line, cells) of the lines that hold something, delimiter)."""
    text = text.lstrip("\ufeff")
    lines, skipped = text.splitlines()[:50], 0
    delimiter = ""
    for line in lines:
        said = re.fullmatch(r"sep=(.)\s*", line, re.IGNORECASE)
        if said is not None:
            delimiter = said[1]
        elif line.strip() and not line.startswith("#"):
            break
        skipped += 1
    skipped = _head_of(lines, skipped, delimiter)
    head = re.sub(r'"[^"]*"', "", lines[skipped]) if skipped < len(lines) else ""
    delimiter = delimiter or max(DELIMITERS, key=head.count)
    stream = io.StringIO(text, newline="")
    for _ in range(skipped):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(reader)]
        if len(header) > MOST_COLUMNS:
            raise FileProblem(path, f"it has {len(header)} columns; {MOST_COLUMNS} are the most", "Choose a label file")
        rows: list[tuple[int, list[str]]] = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num + skipped, cells))
                if len(rows) > MOST_FEATURES:
                    raise FileProblem(
                        path, f"it has more than {MOST_FEATURES} lines", "Cut it to the labels of this scene"
                    )
    except csv.Error as error:
        raise CorruptFile(
            path, f"line {reader.line_num + skipped} is not CSV ({error})", "Export the labels again"
        ) from error
    except StopIteration:
        raise CorruptFile(path, "there is no line with text in it", "Export the labels again") from None
    return header, rows, delimiter


def _head_of(lines: list[str], first: int, delimiter: str) -> int:
    """The line that names the columns: the first one, or one behind it that names a place where that one does not."""
    for n in range(first, min(len(lines), first + MOST_ABOVE)):
        mark = delimiter or max(DELIMITERS, key=lines[n].count)
        names = [cell.strip().strip('"') for cell in lines[n].split(mark)]
        pairs = ((ROW, COL), (X, Y), (LON, LAT))
        if column(names, WKT) or any(column(names, a) and column(names, b) for a, b in pairs):
            return n
    return first


def _placed(layer: Layer, columns: dict[str, list[str]], delimiter: str) -> list[str]:
    """Give the layer its geometry; the columns it came from."""
    import shapely

    names = list(columns)
    wkt = column(names, WKT)
    if wkt is not None and any(re.match(r"\s*(SRID=\d+;)?\s*[A-Za-z ]+\(", value) for value in columns[wkt]):
        texts = [re.sub(r"^\s*SRID=\d+;", "", v) or None for v in columns[wkt]]
        said = {match[1] for match in (re.match(r"\s*SRID=(\d+);", v) for v in columns[wkt]) if match}
        if len(said) == 1:
            layer.crs = f"EPSG:{said.pop()}"
        layer.geometry = shapely.from_wkt(texts, on_invalid="ignore").tolist()
        broken = [w for w, t, g in zip(layer.where, texts, layer.geometry, strict=True) if t and g is None]
        if broken:
            raise CorruptFile(layer.path, f"{broken[0]}: “{wkt}” is not WKT", "Correct it and import again")
        layer.map_columns = True
        return [wkt]
    for way, first, second in WAYS:
        keys = column(names, first), column(names, second)
        if keys[0] is None or keys[1] is None:
            continue
        pair = [str(key) for key in keys]
        if not any(v.strip() for key in pair for v in columns[key]):
            continue  # ours, of a scene without a place
        xs, ys = (_numbers(layer, key, columns[key], delimiter) for key in pair)
        layer.geometry = [
            shapely.Point(x, y) if x is not None and y is not None else None for x, y in zip(xs, ys, strict=True)
        ]
        if way == "lonlat":
            layer.crs, layer.standard = "EPSG:4326", False
        layer.map_columns = way == "map"
        return pair
    return []


def _numbers(layer: Layer, key: str, texts: Sequence[str], delimiter: str) -> list[float | None]:
    """The column's numbers, None for empty cells. Raises CorruptFile with the line."""
    clean = [text.strip() if "°" in text else GROUPS.sub("", text) for text in texts]  # ' is minutes there
    comma = delimiter != "," and any("," in text for text in clean)
    found: list[float | None] = []
    for where, original, text in zip(layer.where, texts, clean, strict=True):
        if not text:
            found.append(None)
            continue
        if comma:
            text = text.replace(".", "").replace(",", ".")
        elif "," in text and "." in text:
            text = (
                text.replace(",", "") if text.rfind(".") > text.rfind(",") else text.replace(".", "").replace(",", ".")
            )
        elif "," in text:
            if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text):
                either = f"{text.replace(',', '.', 1)} or {text.replace(',', '')}"
                raise CorruptFile(
                    layer.path, f"{where}: {key} “{original[:30]}” may be {either}",
                    "Write the numbers with a decimal point, or put semicolons between the cells",
                )  # fmt: skip
            text = text.replace(",", ".")
        found.append(number(layer.path, where, key, text if text else original))
    return found


def _plain_number(text: str, delimiter: str) -> str:
    """A row or column: "4,0" of a spreadsheet is 4.0."""
    text = GROUPS.sub("", text)
    return text.replace(",", ".") if delimiter != "," and text.count(",") == 1 else text
