"""`studio.reports`: everything that is known of a map on one HTML page: facts, accuracy, areas, labels, words, method,
origin.

>>> studio.reports.page(studio.displayed.find(project.id))

What is not known says so and why; nothing is left out in silence. The page's parts are made in `io/html_report.py`.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.runs.curves import scalars
from hsi_studio.engine.scene_info import crs_name
from hsi_studio.features.composite import Compositor, composites, default_composite
from hsi_studio.humanize import counted, setting_text, shape_text
from hsi_studio.io import html_report as html
from hsi_studio.methods import methods
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap, why_unmeasured
from hsi_studio.studio.evidence import Evidence
from hsi_studio.studio.live import LiveMaps
from hsi_studio.studio.provenance import Origin, Provenance
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.spectra import Spectra
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Prediction


class Reports(Subject):
    """One subject of `Studio`."""

    def __init__(
        self, workspace: Workspace, evidence: Evidence, provenance: Provenance, runs: Runs, spectra: Spectra,
        live: LiveMaps,
    ) -> None:  # fmt: skip
        self._workspace, self._evidence, self._provenance = workspace, evidence, provenance
        self._runs, self._spectra, self._live = runs, spectra, live

    def page(self, shown: DisplayedMap) -> str:
        """The report as HTML. Raises BadRequest, FileProblem when what the map was made from has gone."""
        scene, origin = self._workspace.scene_of(shown.project_id), self._provenance.of(shown)
        title = f"{shown.title}: {scene.title or scene.name}"
        mapped = sum(count for _, count in shown.pixels)
        lead = f"Class map of {counted(mapped, 'pixel')}, reported {datetime.now():%d %B %Y, %H:%M}"
        page = html.Page(title, lead)
        page.add(*_accuracy(shown.report, why_unmeasured(shown, scene)), *self._maps(shown))
        page.add(*self._areas(shown), *self._labels(shown))
        page.add(*self._words(shown), *self._method(shown), *self._scene(shown), *_origin(origin))
        return page.html()

    def _maps(self, shown: DisplayedMap) -> list[str]:
        scene = self._workspace.scene_of(shown.project_id)
        height, width, _ = scene.shape
        step = max(1, -(-max(height, width) // 1000))
        best = next(one for one in composites(scene) if one.id == default_composite(scene))
        picture = Compositor().render(scene, best.id, slice(0, height), slice(0, width), step=step)
        colors = ["#d9dce1", *shown.prediction.schema.colors]
        lut = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colors], dtype=np.uint8)
        mapped = lut[shown.prediction.label[::step, ::step]]
        return [
            html.heading("Maps"),
            html.pair(html.picture(picture, best.title), html.picture(mapped, f"{shown.title}; colours as below")),
        ]

    def _areas(self, shown: DisplayedMap) -> list[str]:
        found = self._evidence.areas(shown.project_id, shown.layer)
        rows, colors = [], []
        unit, scale, digits = found.unit
        for one in found.classes:
            if not one.pixels and one.estimate is None:
                continue
            colors.append(one.info.color)
            estimate = one.estimate_m2 or one.estimate
            told = "–" if estimate is None else f"{estimate.value / scale:,.{digits}f}"
            se = "–" if estimate is None else f"{estimate.se / scale:,.{digits}f}"
            mapped = "–" if one.mapped_m2 is None else f"{one.mapped_m2 / scale:,.{digits}f}"
            rows.append((one.info.name, f"{one.pixels:,}", mapped, told, se))
        sized = "area" if unit == "pixels" else unit
        head = ("Class", "Pixels", f"Mapped, {sized}", f"Estimated, {unit}", f"Standard error, {unit}")
        return [html.heading("Areas"), html.table(head, rows, colors), html.words(found.words, quiet=True)]

    def _labels(self, shown: DisplayedMap) -> list[str]:
        labels, scene = shown.seen, self._workspace.scene_of(shown.project_id)
        if labels is None or not len(labels):
            told = "Which labels it was made from is not known." if labels is None else "No label went into this map."
            return [html.heading("Labels"), html.words(told)]
        known = labels.only_labelled()
        rows = [(info.name, str(n)) for info, n in zip(known.schema.classes, known.counts.tolist(), strict=True)]
        parts = [html.heading("Labels and spectra"), html.table(("Class", "Labels"), rows, known.schema.colors)]
        nm = scene.bands.wavelength_nm
        x = np.arange(1, scene.shape[2] + 1) if nm is None else nm
        good, lines = scene.good_bands, []
        of = None if shown.source == "live" else known  # of a kept map: those it was made from, not those of today
        for one in self._spectra.of_classes(shown.project_id, of):
            lines.append((one.info.name, one.info.color, np.where(good, one.mean, np.nan)))
        if lines:
            order = np.argsort(x)
            parts.append(html.plot(
                x[order], [(n, c, v[order]) for n, c, v in lines], "band" if nm is None else "wavelength, nm",
                scene.value_unit or "value", "Means of the labelled pixels; unusable bands are left out",
            ))  # fmt: skip
        return parts

    def _words(self, shown: DisplayedMap) -> list[str]:
        project = self._workspace.project(shown.project_id)
        if shown.source == "run":
            record = self._runs.record(shown.id)
            sentences = dict(record.prompts.get("sentences") or {})
            names = {info.id: info.name for info in record.classes}
        else:
            sentences = {key: list(said) for key, said in project.prompts().sentences.items()}
            names = {info.id: info.name for info in project.schema.classes}
        rows = [(str(names.get(key) or key), " ".join(said)) for key, said in sentences.items() if said]
        if not rows or shown.source in ("live", "edited"):
            return []
        return [html.heading("Words"), html.facts(rows)]

    def _method(self, shown: DisplayedMap) -> list[str]:
        prediction: Prediction = shown.prediction
        known = methods().entries.get(prediction.method)
        rows = [("Method", prediction.method if known is None else f"{known.title} ({prediction.method})")]
        if known is not None:
            rows.append(("Source", known.source))
        rows += [
            (name.replace("_", " ").capitalize(), setting_text(value)) for name, value in prediction.params.items()
        ]
        parts = [html.heading("Method"), html.facts(rows)]
        if shown.source == "live":
            parts += self._climb(shown.project_id)
        if shown.source == "run":
            curves: dict[str, list[tuple[float, float]]] = {}
            for one in scalars(self._runs.events(shown.id)):
                if one.name in ("loss", "accuracy") and one.value is not None:
                    curves.setdefault(f"{one.stage} {one.name}", []).append((one.step, float(one.value)))
            for name, points in curves.items():
                x, y = np.array(points).T
                parts.append(html.plot(x, [(name, "#0f766e", y)], "step", name.split()[-1], f"Training: {name}"))
        return parts

    def _climb(self, project_id: str) -> list[str]:
        """How the accuracy of the map that follows the labels grew with them, since the program started."""
        found = [one for one in self._live.status(project_id).climb if one.oa is not None]
        if len(found) < 2:
            return []
        of_labelled = np.array([np.nan if one.oa is None else 100 * one.oa.value for one in found])
        away = np.array([np.nan if one.away is None else 100 * one.away.value for one in found])
        lines = [("of labelled classes", "#0f766e", of_labelled), ("of these, away from labels", "#d97706", away)]
        x = np.array([one.labels for one in found])
        return [html.plot(x, lines, "labels", "overall accuracy, %", "Accuracy over labels, since the program started")]

    def _scene(self, shown: DisplayedMap) -> list[str]:
        scene = self._workspace.scene_of(shown.project_id)
        nm = scene.bands.wavelength_nm
        hidden = self._workspace.project(shown.project_id).lesson_on
        known = "hidden until the lesson is handed in" if hidden else "none"
        if scene.reference is not None:
            known = f"{len(scene.reference_names)} classes"
        rows = [
            ("Scene", scene.title or scene.name), ("Size", f"{shape_text(scene.shape)} (rows × columns × bands)"),
            ("Wavelengths", "not in the file" if nm is None else f"{nm.min():.0f} to {nm.max():.0f} nm"),
            ("Pixel", f"{scene.gsd_m:g} m" if scene.gsd_m else "size not known"),
            ("Coordinate system (CRS)", crs_name(scene.crs) or "none"),
            ("Surface model (DSM)", "yes" if scene.dsm is not None else "no"),
            ("Reference", known),
            ("Citation", scene.citation), ("Licence", scene.licence),
        ]  # fmt: skip
        parts = [html.heading("Scene"), html.facts([(name, value) for name, value in rows if value])]
        return [*parts, html.words(*scene.notes, quiet=True)]


def _accuracy(report: AccuracyReport | None, without: str) -> list[str]:
    if report is None:
        return [html.heading("Accuracy"), html.words(without)]
    parts = [html.heading("Accuracy")]
    for block in (report.main, report.buffered):
        if block is not None:
            parts += _block(block)
    return [*parts, html.words(*report.notes, quiet=True)]


def _block(block: ScoreBlock) -> list[str]:
    if block.problem:
        return [f"<h3>{html.esc(block.title)}</h3>", html.words(block.problem)]
    shown = [
        ("OA, %", block.oa), ("AA, %", block.aa), ("κ × 100", block.kappa), ("Macro F1, %", block.macro_f1),
        ("Weighted F1, %", block.weighted_f1),
    ]  # fmt: skip
    figures = [(name, f"{100 * one.value:.1f}", _interval(one)) for name, one in shown if one is not None]
    head = ("Class", "Pixels", "Producer's, %", "95 %", "User's, %", "95 %", "F1, %", "95 %")
    rows = [
        (
            one.info.name, f"{one.n:,}", _percent(one.recall), _range(one.recall_range), _percent(one.precision),
            _range(one.precision_range), _percent(one.f1), _range(one.f1_range),
        )
        for one in block.classes
    ]  # fmt: skip
    colors = [one.info.color for one in block.classes]
    parts = [
        f"<h3>{html.esc(block.title)}</h3>", html.big(figures),
        html.words(f"{block.words[:1].upper()}{block.words[1:]}.", quiet=True), html.table(head, rows, colors),
    ]  # fmt: skip
    if block.confusion is not None:
        names = [f"{k} {one.info.name}" for k, one in enumerate(block.classes, start=1)]
        cells = [(name, *(f"{n:,}" for n in row)) for name, row in zip(names, block.confusion.tolist(), strict=True)]
        parts.append(
            "<p class='quiet'>Confusion matrix: a row is a class of the reference, a column what the map shows, by the "
            "number before the class.</p>"
        )
        columns = [str(k) for k in range(1, len(names) + 1)]
        parts.append(html.table(("", *columns, "other or none"), cells, colors, "matrix"))
    return parts


def _interval(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return "too few areas for an interval"
    return f"95 %: {100 * one.low:.1f} to {100 * one.high:.1f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _range(pair: tuple[float, float] | None) -> str:
    return "–" if pair is None else f"{100 * pair[0]:.1f}–{100 * pair[1]:.1f}"


def _origin(origin: Origin) -> list[str]:
    return [
        html.heading("Where it comes from"),
        html.facts([*origin.chain, *((f"Version: {name}", value) for name, value in origin.versions.items())]),
        html.words("This command makes the map again, and prints its hash:"),
        html.code(origin.command),
        html.words("The same hash proves the same map:"),
        html.code(origin.map_hash),
    ]


def accuracy_rows(report: AccuracyReport | None) -> list[list[str | int | float | None]]:
    """One line a class and block for a CSV."""
    found: list[list[str | int | float | None]] = []
    for block in () if report is None else (report.main, report.buffered):
        for one in () if block is None else block.classes:
            assert block is not None
            found.append([
                block.title, one.info.name, one.n, one.recall, *(one.recall_range or (None, None)), one.precision,
                *(one.precision_range or (None, None)), one.f1, *(one.f1_range or (None, None)),
            ])  # fmt: skip
    return found
