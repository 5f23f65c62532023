"""The tables of RESULTS.md that come from the packed few-shot sweep, as Markdown, and the places they stand in.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything else there is written by hand.
Accuracy in percent, mean ± standard deviation (n − 1) over the draws; differences in points, draw by draw on those that
both sides have, with the 95 % interval of `hsi_studio/engine/evaluation/draw_intervals.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.sweep.tables import Row, difference, plus_minus, rows_of
from hsi_studio.errors import BadRequest

METHODS = ("live", "diffclip", "CLIP", "curated", "s3fn", "svm", "forest", "lda")  # as they stand in tables and legends
SHOWN = {"CLIP": "CLIP (no pre-training)"}
WORDED = ("diffclip", "curated", "s3fn")
WORDINGS = (("p2", "p1"), ("p3", "p1"), ("p4", "p1"), ("p5", "p1"), ("permuted", "p5"))
PARTS = (
    ("pre-training", "CLIP", "p5"),
    ("noise (diffusion)", "diffclip:no diffusion", "p5"),
    ("masking", "diffclip:no mask", "p5"),
    ("text (a linear head instead)", "diffclip:no text", "none"),
)
SHARED = ("random", "buffered")
PROTOCOLS = {"random": "random", "buffered": "buffered", "mask:disjoint": "disjoint", "mask:plots": "by plot"}
SCENES = {
    "indian_pines": "Indian Pines",
    "trento_simulated": "simulated Trento",
    "idtrees": "IDTReeS 2020",
}


@dataclass(frozen=True)
class Difference:
    """Of OA, in points; `low` and `high` are None where there are too few draws for an interval."""

    value: float
    low: float | None
    high: float | None
    draws: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def text(self, mark: bool = False) -> str:
        interval = "" if self.low is None else f" ({self.low:+.1f} to {self.high:+.1f})"
        text = f"{self.value:+.1f}{interval}".replace("-", "−")
        return f"**{text}**" if mark and self.clear else text


class Sweep:
    """Rows of a few-shot sweep by scene, shots, label and prompts."""

    def __init__(self, cells: Sequence[dict[str, Any]]) -> None:
        self.cells = cells
        self.rows = {(row.scene, row.shots, row.label, row.prompts): row for row in rows_of(cells)[0]}
        self._known: dict[tuple[Any, ...], Difference | None] = {}  # each is made once

    def row(self, scene: str, shots: int, label: str, prompts: str | None = None) -> Row | None:
        """With p5, or no text where the method reads none."""
        for style in ("p5", "none") if prompts is None else (prompts,):
            if (found := self.rows.get((scene, shots, label, style))) is not None:
                return found
        return None

    def shots(self, scene: str) -> list[int]:
        return sorted({row.shots for row in self.rows.values() if row.scene == scene})

    def methods(self, scene: str, shots: int, protocol: str) -> list[Row]:
        """One row a method that has the protocol, in the order of `METHODS`."""
        found = (self.row(scene, shots, label) for label in METHODS)
        return [row for row in found if row is not None and row.cells.get(protocol)]

    def oa_difference(
        self, scene: str, shots: int, first: tuple[str, str], second: tuple[str, str], protocol: str
    ) -> Difference | None:
        """OA of second − first, each (label, prompts); None where they have no draw in common."""
        key = (scene, shots, first, second, protocol)
        if key not in self._known:
            a, b = self.row(scene, shots, *first), self.row(scene, shots, *second)
            self._known[key] = None if a is None or b is None else _points(*difference(a, b, protocol))
        return self._known[key]

    def versions(self) -> Counter[str]:
        return Counter(cell["code"] for cell in self.cells)


def _points(found: Sequence[Estimate | None], draws: int) -> Difference | None:
    if found[0] is None:
        return None
    low, high = found[0].low, found[0].high
    return Difference(
        100 * found[0].value, None if low is None else 100 * low, None if high is None else 100 * high, draws
    )


def few_shot_table(sweep: Sweep, scene: str, protocols: Sequence[str]) -> list[str]:
    """OA, AA, κ of the first protocol, OA and AA of a second, and OA − live in each."""
    first, *rest = protocols
    named = [PROTOCOLS[p] for p in protocols]
    head = ["shots", "method", "n", *(f"{f} {named[0]}" for f in ("OA", "AA", "κ × 100"))]
    head += [f"{f} {name}" for name in named[1:] for f in ("OA", "AA")]
    body = []
    for shots in sweep.shots(scene):
        base = sweep.row(scene, shots, "live")
        for row in sweep.methods(scene, shots, first):
            line = [str(shots), SHOWN.get(row.label, row.label), str(len(row.cells[first]))]
            line += [plus_minus(row.values(first, key), 1) for key in ("oa", "aa", "kappa")]
            line += [plus_minus(row.values(p, key), 1) for p in rest for key in ("oa", "aa")]
            for protocol in protocols:
                apart = None if base is None or row is base else _points(*difference(base, row, protocol))
                line.append("–" if apart is None else apart.text())
            body.append(line)
    return _markdown([*head, *(f"OA − live, {name}" for name in named)], body)


def words_table(sweep: Sweep, scene: str, protocol: str) -> list[str]:
    """OA of each wording − plain names, and of shuffled − right sentences; bold where the interval leaves out 0."""
    body = []
    for shots in sweep.shots(scene):
        for label in WORDED:
            found = [sweep.oa_difference(scene, shots, (label, b), (label, a), protocol) for a, b in WORDINGS]
            if not any(found):
                continue
            draws = sorted({str(d.draws) for d in found if d is not None})
            shown = ["–" if d is None else d.text(mark=True) for d in found]
            body.append([str(shots), label, *shown, "/".join(draws)])
    names = [f"{a} − {b}".replace("permuted", "shuffled") for a, b in WORDINGS]
    return _markdown(["shots", "method", *names, "n"], body)


def parts_table(sweep: Sweep, scenes: Sequence[str], shots: int = 5) -> list[str]:
    """OA without a part of DiffCLIP − OA with all of them."""
    columns = [(scene, protocol) for scene in scenes for protocol in SHARED]
    body = []
    for title, label, prompts in PARTS:
        found = [sweep.oa_difference(s, shots, ("diffclip", "p5"), (label, prompts), p) for s, p in columns]
        body.append([title, *("–" if d is None else d.text() for d in found)])
    return _markdown(["switched off", *(f"{SCENES[s]}, OA {PROTOCOLS[p]}" for s, p in columns)], body)


def versions_line(sweep: Sweep) -> list[str]:
    """Which code made the figures: they are that code's, not today's."""
    made = ", ".join(f"{count:,} by version `{code}`" for code, count in sweep.versions().most_common())
    return [f"{len(sweep.cells):,} trainings: {made} (hash of the program's code, column `code`)."]


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(line)} |" for line in body)]


def blocks(sweep: Sweep) -> dict[str, list[str]]:
    """Every generated part of RESULTS.md by its name."""
    return {
        "versions": versions_line(sweep),
        "indian_pines": few_shot_table(sweep, "indian_pines", SHARED),
        "indian_pines disjoint": few_shot_table(sweep, "indian_pines", ["mask:disjoint"]),
        "trento_simulated": few_shot_table(sweep, "trento_simulated", SHARED),
        "idtrees by plot": few_shot_table(sweep, "idtrees", ["mask:plots"]),
        "idtrees": few_shot_table(sweep, "idtrees", SHARED),
        "parts": parts_table(sweep, ["indian_pines", "trento_simulated"]),
        "words random": words_table(sweep, "indian_pines", "random"),
        "words buffered": words_table(sweep, "indian_pines", "buffered"),
    }


def filled(page: str, parts: Mapping[str, Sequence[str]]) -> str:
    """The page with its generated parts made anew. Raises BadRequest when a part has no place, or a place no part."""
    found = re.findall(r"<!-- generated: (.+?) -->", page)
    if sorted(found) != sorted(parts):
        apart = sorted(set(found) ^ set(parts)) or found
        raise BadRequest(f"The page and the generated parts do not agree about: {', '.join(apart)}.")
    for name, lines in parts.items():
        start = f"<!-- generated: {name} -->"
        before, _, rest = page.partition(start)
        inside, end, after = rest.partition("<!-- end -->")
        if not end or "<!-- generated:" in inside:
            raise BadRequest(f"The generated part {name!r} has no <!-- end -->.")
        page = "\n".join([before + start, "", *lines, "", end]) + after
    return page
