"""The class map as a picture or a figure for print: title, legend, areas or pixel counts, scale bar, north, CRS.

PNG, SVG and PDF are the same drawing; the map itself is pixels in all three. North is that of the map grid.

Drawn without pyplot (no global state, safe in threads). Class names are shown as they are: no mathematics in "$", no
line breaks, cut at 44 characters. Signs that matplotlib's own font lacks are taken from fonts of the machine (`FONTS`);
where none has them the figure says so, since two names of such signs alone look the same.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.files import replacing
from hsi_studio.sanitize import clean_text
from hsi_studio.scene.crs_name import crs_name, pixel_size, sides_m
from hsi_studio.types import Prediction, Scene

INK, PAPER, HATCH = "#1f2328", "#ffffff", "#d9dce1"
LONGEST_NAME = 44
ROWS_A_COLUMN = 24
LINE_IN = 0.23  # inches a legend line
MOST_PIXELS = 4000  # longer sides are thinned for the picture: the GeoTIFF has every pixel


FONTS = (  # beside matplotlib's own; those of Linux, Windows and macOS that hold other scripts
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Noto Sans Devanagari", "Noto Sans Thai", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic",
    "Segoe UI", "Segoe UI Emoji", "Segoe UI Symbol",
    "Arial Unicode MS", "Hiragino Sans", "Apple SD Gothic Neo", "Noto Emoji", "Symbola",
)  # fmt: skip


def export_png(prediction: Prediction, scene: Scene, path: Path, dpi: int = 150) -> Path:
    """The figure as PNG."""
    return export_figure(prediction, scene, path, dpi)


def export_figure(prediction: Prediction, scene: Scene, path: Path, dpi: int = 150, title: str = "") -> Path:
    """Map left, legend right (classes that occur, with hectares, or pixels without a pixel size). Pixels stay crisp; 0
    is light grey. The format goes by the path's ending: .png, .svg or .pdf. `title`: of the map, beside the scene's."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    path = Path(path)
    counts = np.bincount(prediction.label.ravel(), minlength=len(prediction.schema) + 1)
    entries = [
        (info.color, _shown(info.name), _amount(int(counts[k]), scene.gsd_m))
        for k, info in enumerate(prediction.schema.classes, start=1)
        if counts[k]
    ]
    if counts[0]:
        entries.append((HATCH, "No class", _amount(int(counts[0]), scene.gsd_m)))
    columns = max(1, -(-len(entries) // ROWS_A_COLUMN))
    rows = -(-max(len(entries), 1) // columns)
    longest = max([len(name) for _, name, _ in entries], default=10)
    column_in = 1.35 + 0.085 * longest

    height, width = prediction.label.shape
    scale = min(6.0 / max(height, width), 1.0)
    map_w, map_h = max(width * scale, 0.6), max(height * scale, 0.6)
    body_h = max(map_h, rows * LINE_IN, 1.0)
    margin, head, foot = 0.25, 0.75, 0.55
    figure_w = max(map_w + columns * column_in + 3 * margin, 6.0)
    figure_h = body_h + head + foot
    fonts, lacking = _fonts("".join([*(name for _, name, _ in entries), title, scene.title or scene.name]))
    figure = Figure(figsize=(figure_w, figure_h), dpi=dpi, facecolor=PAPER)

    left, top = margin / figure_w, (foot + body_h) / figure_h
    axes = figure.add_axes((left, top - map_h / figure_h, map_w / figure_w, map_h / figure_h))
    axes.imshow(_colored(prediction), interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#8c959f")
    _text(figure, left, 1 - 0.3 / figure_h, _cut(clean_text(scene.title or scene.name), 90), size=12, weight="bold")
    total = int(prediction.label.size - counts[0])
    facts = f"{height:,} × {width:,} pixels, {total:,} mapped, method: {clean_text(prediction.method)}"
    if title:
        facts = f"{_cut(clean_text(title), 60)} · {facts}"
    _text(figure, left, 1 - 0.55 / figure_h, facts, size=9, color="#57606a")

    legend = figure.add_axes((0, 0, 1, 1))
    legend.set_axis_off()
    legend.set_xlim(0, figure_w)
    legend.set_ylim(figure_h, 0)
    for number, (color, name, amount) in enumerate(entries):
        x = map_w + 2 * margin + number // rows * column_in
        y = head + (number % rows + 0.5) * LINE_IN
        _box(legend, x, y, color)
        _text(legend, x + 0.26, y, name, size=9)
        _text(legend, x + column_in - 0.15, y, amount, size=8, color="#57606a", ha="right")
    if scene.transform is not None:
        _north(legend, margin + map_w - 0.22, head + 0.34, scene.transform)
    crs = crs_name(scene.crs)
    place = _cut(clean_text(crs), 70) if crs else "No coordinate system (CRS)"
    _text(legend, margin, figure_h - 0.16, place, size=8, color="#57606a")
    sides = sides_m(scene)
    if sides is not None:
        length_m = _round_length(width * sides[0] / 4)
        length_in = length_m / sides[0] / width * map_w
        y = head + map_h + 0.2
        legend.plot([margin, margin + length_in], [y, y], color=INK, lw=3, solid_capstyle="butt")
        label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
        _text(legend, margin + length_in + 0.1, y, f"{label} (pixel {pixel_size(scene)})", size=9)
    if lacking:
        note = "Boxes stand for signs that no font here has: the names are in the table of areas."
        _text(legend, figure_w - margin, figure_h - 0.16, note, size=7, color="#57606a", ha="right")
    for text in figure.findobj(Text):
        text.set_fontfamily(fonts)
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # said in the figure
        figure.savefig(str(partial), dpi=dpi, facecolor=PAPER, metadata=_undated(path))
    return path


def _fonts(text: str) -> tuple[list[str], bool]:
    """(families that hold the signs of a text, as far as this machine has some; whether signs are left over)."""
    from matplotlib import font_manager

    own = "DejaVu Sans"
    families, wanted = [own], {sign for sign in text if not sign.isspace()}
    installed = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    for family in (own, *FONTS):
        if not wanted or family not in installed:
            continue
        face = font_manager.get_font(installed[family])
        held = {sign for sign in wanted if face.get_char_index(ord(sign))}
        wanted -= held
        families += [family] * bool(held and family != own)
    return families, bool(wanted)


def _undated(path: Path) -> dict[str, None]:
    """The same map gives the same file: no date in it."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower(), {})


def _amount(pixels: int, gsd_m: float | None) -> str:
    """ "12.34 ha", "123 m²", "0.45 m²", or "1,234 px" without a pixel size."""
    if not gsd_m:
        return f"{pixels:,} px"
    area = pixels * gsd_m**2
    return f"{area / 1e4:,.2f} ha" if area >= 1e3 else f"{area:.{0 if area >= 10 else 2}f} m²"


def _north(legend: Any, x: float, y: float, transform: tuple[float, float, float, float, float, float]) -> None:
    """An arrow to the north of the map grid. On the page y goes down, as rows do."""
    a, b, _, d, e, _ = transform
    area = a * e - b * d
    col, row = -b / area, a / area  # the pixel step that goes with one step north
    length = math.hypot(col, row)
    dx, dy = 0.22 * col / length, 0.22 * row / length
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.6, "mutation_scale": 12}
    legend.annotate("", (x + dx, y + dy), (x - dx, y - dy), arrowprops=style)
    _text(legend, x - 1.75 * dx, y - 1.75 * dy, "N", size=9, weight="bold", ha="center")


def _colored(prediction: Prediction) -> np.ndarray[Any, Any]:
    """(h, w, 3) uint8, thinned to `MOST_PIXELS` a side."""
    step = max(1, -(-max(prediction.label.shape) // MOST_PIXELS))
    colors = [HATCH, *prediction.schema.colors]
    table = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], dtype=np.uint8)
    return table[prediction.label[::step, ::step]]


def _shown(name: str) -> str:
    return _cut(clean_text(name) or "(no name)", LONGEST_NAME)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _text(target: Any, x: float, y: float, text: str, size: float, **style: Any) -> None:
    drawn = target.text(x, y, text, fontsize=size, va="center", **({"color": INK} | style))
    drawn.set_parse_math(False)


def _box(axes: Any, x: float, y: float, color: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y - 0.07), 0.18, 0.14, facecolor=color, edgecolor="#57606a", linewidth=0.6))


def _round_length(length_m: float) -> float:
    """The longest of 1, 2, 5 × 10ⁿ that is not longer."""
    power = 10.0 ** math.floor(math.log10(length_m))
    return max(step * power for step in (1, 2, 5) if step * power <= length_m * (1 + 1e-9))
