"""A report as one HTML page that needs no other file: pictures and drawings are in it, and it prints clean.

Everything that a user or a file can have written (names, titles, sentences, paths) goes through `esc`.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

STYLE = """
:root { color-scheme: light; --ink: #1f2328; --quiet: #57606a; --line: #d0d7de; --accent: #0f766e; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 36px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 6px 0; max-width: 78ch; }
.quiet { color: var(--quiet); font-size: 13px; }
.figures { display: flex; flex-wrap: wrap; gap: 28px; margin: 16px 0 4px; }
.figures div span { display: block; color: var(--quiet); font-size: 13px; }
.figures div b { font-size: 32px; line-height: 1.15; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 16px; margin: 12px 0; }
figure { margin: 0; break-inside: avoid; }
figure img, figure svg { max-width: 100%; height: auto; border: 1px solid var(--line); image-rendering: pixelated; }
figcaption { color: var(--quiet); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; margin: 8px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px 4px 0; text-align: left; border-bottom: 1px solid #eaeef2; vertical-align: top; }
th { color: var(--quiet); font-weight: 600; }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0; padding: 0; font-size: 13px; }
td.n, th.n { text-align: right; white-space: nowrap; }
table.matrix td, table.matrix th { padding: 4px 8px; }
table.matrix td:first-child { min-width: 24ch; position: sticky; left: 0; background: #fff; }
i.dot { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; border: 1px solid
#0003; } code { font: 13px/1.45 ui-monospace, Consolas, monospace; background: #f6f8fa; padding: 2px 5px; border-radius:
4px;
  overflow-wrap: anywhere; }
pre { background: #f6f8fa; padding: 10px 12px; border-radius: 6px; overflow-wrap: anywhere; white-space: pre-wrap; }
pre code { padding: 0; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  .scroll { overflow: visible; } body { font-size: 11px; } @page { margin: 16mm; } }
"""


def esc(text: object) -> str:
    return html.escape(str(text), quote=True)


@dataclass
class Page:
    """Parts in their order. `add` takes HTML that was made by this module."""

    title: str
    lead: str
    parts: list[str] = field(default_factory=list)

    def add(self, *parts: str) -> None:
        self.parts += [part for part in parts if part]

    def html(self) -> str:
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{esc(self.title)}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
            f'<body><main><h1>{esc(self.title)}</h1><p class="quiet">{esc(self.lead)}</p>{"".join(self.parts)}'
            "</main></body></html>\n"
        )


def heading(text: str) -> str:
    return f"<h2>{esc(text)}</h2>"


def words(*texts: str, quiet: bool = False) -> str:
    cls = ' class="quiet"' if quiet else ""
    return "".join(f"<p{cls}>{esc(text)}</p>" for text in texts if text)


def big(figures: Sequence[tuple[str, str, str]]) -> str:
    """(name, value, under it) each."""
    boxes = "".join(f"<div><span>{esc(n)}</span><b>{esc(v)}</b><span>{esc(u)}</span></div>" for n, v, u in figures)
    return f'<div class="figures">{boxes}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], colors: Sequence[str] = (), cls: str = "") -> str:
    """The first column is text, the others numbers; `colors`: a dot before each row."""
    top = "".join(f"<th{'' if k == 0 else ' class=n'}>{esc(text)}</th>" for k, text in enumerate(head))
    body = []
    for n, row in enumerate(rows):
        dot = f'<i class="dot" style="background:{esc(colors[n])}"></i>' if n < len(colors) else ""
        cells = "".join(
            f"<td{'' if k == 0 else ' class=n'}>{dot if k == 0 else ''}{esc(t)}</td>" for k, t in enumerate(row)
        )
        body.append(f"<tr>{cells}</tr>")
    name = f' class="{esc(cls)}"' if cls else ""
    return f'<div class="scroll"><table{name}><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def facts(rows: Sequence[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th>{esc(name)}</th><td>{esc(value)}</td></tr>" for name, value in rows)
    return f"<table><tbody>{body}</tbody></table>"


def code(text: str) -> str:
    return f"<pre><code>{esc(text)}</code></pre>"


def picture(rgb: npt.NDArray[np.uint8], caption: str, most: int = 1200) -> str:
    """(H, W, 3 or 4) pixels, thinned to `most` a side."""
    from PIL import Image

    step = max(1, -(-max(rgb.shape[:2]) // most))
    shown, buffer = np.ascontiguousarray(rgb[::step, ::step]), io.BytesIO()
    Image.fromarray(shown).save(buffer, "PNG", optimize=True)
    data, scale = base64.b64encode(buffer.getvalue()).decode(), max(1, 460 // max(shown.shape[1], 1))
    size = f'width="{shown.shape[1] * scale}" height="{shown.shape[0] * scale}"'
    return (
        f'<figure><img {size} alt="{esc(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{esc(caption)}</figcaption></figure>"
    )


def pair(*figures: str) -> str:
    return f'<div class="pair">{"".join(figures)}</div>'


def plot(
    x: npt.NDArray[Any], lines: Sequence[tuple[str, str, npt.NDArray[Any]]], x_label: str, y_label: str, caption: str
) -> str:
    """A drawing of lines (name, colour, (n,) values; NaN = a gap) as SVG in the page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.2))
    axes = figure.add_axes((0.08, 0.16, 0.9, 0.78))
    for _, color, values in lines:
        axes.plot(x, values, color=color, lw=1.6)
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    key = "".join(
        f'<li><i class="dot" style="background:{esc(color)}"></i>{esc(name)}</li>' for name, color, _ in lines
    )
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    named = f'<ul class="key">{key}</ul>' if len(lines) > 1 else ""  # by the browser, which has letters of every script
    return f"<figure>{text[text.index('<svg') :]}{named}<figcaption>{esc(caption)}</figcaption></figure>"
