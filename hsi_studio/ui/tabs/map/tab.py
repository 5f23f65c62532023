"""What the Map tab does. One event, `act`, for everything in its panel; answers are values of (panel, viewer, files,
strip).
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.sanitize import slug
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.tabs.map.routes import SURFACES, stamp
from hsi_studio.ui.tabs.map.values import FORMATS, PLAIN_FORMATS, evidence_value, score_value
from hsi_studio.ui.toasts import warn
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed

Answer = tuple[Any, Any, Any, Any]  # values for (panel, viewer, files, strip)


class MapTab:
    """Evidence, exports, and labels from a file."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def export(self, project_id: str) -> Any:
        """Everything about the map on the screen, as one archive."""
        try:
            return gr.update(value=[str(self.studio.exports.bundle(project_id))], visible=True)
        except StudioError as error:
            warn(error)
            return gr.update(visible=False)

    def export_one(self, project_id: str, name: str, composite: str = "", stretch: str = "") -> Any:
        """One file of the map on the screen; ENVI's header brings its pixels. The picture: as it is on the page."""
        plain = {end: layer for layer, formats in PLAIN_FORMATS.items() for _, end in formats}
        if name not in plain and name not in {end for _, end in FORMATS}:
            return gr.skip()
        scene, folder = self.studio.scene_of(project_id), self.studio.project(project_id).folder / "exports"
        try:
            if name in plain:
                layer = plain[name] + (f":{composite}" if composite and plain[name] == "picture" else "")
                path = self.studio.exports.plain(project_id, layer, folder / f"{slug(scene.name)}_{name}", stretch)
                return gr.update(value=[str(path)], visible=True)
            found = self.studio.displayed.find(project_id)
            stem = slug(scene.name) if found.source == "live" else f"{slug(scene.name)}_{slug(found.layer)}"
            _, path = self.studio.exports.file(project_id, folder / f"{stem}_{name}", which=found.layer)
        except StudioError as error:
            warn(error)
            return gr.skip()
        beside = [path.with_suffix(".img"), path.with_name(path.name + ".aux.xml")]
        return gr.update(value=[str(one) for one in (path, *beside) if one.is_file()], visible=True)

    def save(self, project_id: str, done: dict[str, Any]) -> Any:
        look = [str(done.get(name, ""))[:200] for name in ("composite", "stretch")]
        return self.export_one(project_id, str(done.get("name")), *look)

    def opened(self, project_id: str, before: str) -> tuple[str, Any]:
        """(project, downloads): those of another project go when one is opened."""
        return project_id, gr.skip() if before in ("", project_id) else gr.update(value=None, visible=False)

    def export_labels(self, project_id: str) -> Any:
        try:
            written = self.studio.export_labels(project_id)
        except StudioError as error:
            warn(error)
            return gr.update(visible=False)
        return gr.update(value=[str(p) for p in written], visible=True)

    # ── the panel ───────────────────────────────────────────────────────────────────────────────

    def panel(self, project_id: str, **more: Any) -> str:
        return packed({**evidence_value(self.studio, project_id), **more})

    def act(self, project_id: str, event: gr.EventData) -> Answer:
        try:
            return self.do(project_id, event._data)
        except StudioError as error:
            return self.panel(project_id, refused=str(error)), gr.skip(), gr.skip(), gr.skip()

    def do(self, project_id: str, done: dict[str, Any]) -> Answer:
        """Raises StudioError."""
        match done.get("do"):
            case "show":
                return self.show(project_id, str(done.get("layer", "live")))
            case "surface":
                return gr.skip(), self.surface(project_id, str(done.get("kind"))), gr.skip(), gr.skip()
            case "uncover":
                return gr.skip(), packed({"heat": None}), gr.skip(), gr.skip()
            case "step":
                layer = self.studio.edits.add(project_id, f"{done.get('kind')}={done.get('value')}")
                try:
                    self.studio.displayed.find(project_id, layer)
                except StudioError:  # a step that this map cannot take leaves no layer behind
                    self.studio.edits.remove(project_id, layer)
                    raise
                return self.show(project_id, layer)
            case "remove":
                layer = str(done.get("layer"))
                source = self.studio.imported if layer.startswith("imported:") else self.studio.edits
                source.remove(project_id, layer)
                return self.show(project_id, "")
            case "hold out":
                self.studio.holdout.add(project_id, corners_of(done.get("polygon")))
                return self.regions(project_id)
            case "release":
                which = done.get("number")
                self.studio.holdout.remove(project_id, None if which is None else int(which))
                return self.regions(project_id)
            case "show regions":
                url = f"/hsi/evidence/{project_id}/regions/{self.studio.project(project_id).revision}.bin"
                heat = {"url": url, "title": "Hold-out regions", "threshold": 0.5, "marks": [], "kind": "mask"}
                return gr.skip(), packed({"heat": heat}), gr.skip(), gr.skip()
            case "measure regions":
                key, block = str(done.get("key"))[:500], self.studio.holdout.score(project_id)
                return self.panel(project_id, score=score_value(block, key)), *(gr.skip(),) * 3
            case "told":  # a sample's file came by its own route
                return self.panel(project_id), gr.skip(), gr.skip(), gr.skip()
            case "calibrate":
                return self.panel(project_id, calibration=self.calibration(project_id)), *(gr.skip(),) * 3
            case "draw sample":
                self.studio.certify.draw(
                    project_id, target_se=number(done.get("se")) / 100, seed=int(done.get("seed", 0))
                )
                return self.look(project_id, 0)
            case "plan":
                plan = self.studio.certify.plan(project_id, target_se=number(done.get("se")) / 100)
                words = f"{plan.total} random pixels, a standard error of about {100 * plan.expected_se:.1f} points."
                return self.panel(project_id, plan=words), gr.skip(), gr.skip(), gr.skip()
            case "look":
                return self.look(project_id, int(done.get("number", 0)))
            case "answer":
                at, said = int(done.get("number", 0)), done.get("id")
                sample = self.studio.certify.answer(project_id, at, None if said is None else str(said))
                return self.look(project_id, sample.next) if sample.next is not None else self.finished(project_id)
            case "save":
                return gr.skip(), gr.skip(), self.save(project_id, done), gr.skip()
            case "sample file":
                folder = self.studio.project(project_id).folder / "exports"
                path = self.studio.certify.write_file(project_id, folder / "random-pixels.gpkg")
                return gr.skip(), gr.skip(), gr.update(value=[str(path)], visible=True), gr.skip()
        raise BadRequest("The page asked for something unknown: load it again.")

    def regions(self, project_id: str) -> Answer:
        """After the regions changed: labels may have gone with it."""
        return self.panel(project_id), packed({"heat": None}), gr.skip(), self.present.strip(project_id)

    def show(self, project_id: str, layer: str) -> Answer:
        """Another layer on the screen; "" = what is shown already."""
        if layer:
            source, _, item = layer.partition(":")
            self.studio.displayed.show(project_id, source, item)
        return (
            self.panel(project_id),
            self.present.viewer_changes(project_id),
            gr.skip(),
            self.present.strip(project_id),
        )

    def surface(self, project_id: str, kind: str) -> str:
        """The viewer with the confidence, margin or entropy of the map. Raises StudioError where it is not known."""
        if kind not in SURFACES:
            raise BadRequest("There is no such layer.")
        self.studio.evidence.surface_of(project_id, kind)
        url = f"/hsi/evidence/{project_id}/surface/{kind}/{stamp(self.studio, project_id)}.bin"
        ends = ["0 sure", "1 all alike"] if kind == "entropy" else ["0", "1 sure"]
        title = f"{kind.capitalize()} of the model"
        return packed({"heat": {"url": url, "title": title, "threshold": 0.5, "marks": [], "ends": ends}})

    def calibration(self, project_id: str) -> list[str]:
        """Whether the confidence can be believed, in sentences."""
        found = self.studio.evidence.reliability(project_id)
        said = [
            f"Expected calibration error {100 * found.before.ece:.1f} %; {100 * found.after.ece:.1f} % with "
            f"temperature {found.temperature:.2f}. Fitted on {found.n_fit:,}, measured on {found.n_test:,} "
            f"of {found.words}."
        ]
        try:
            sets = self.studio.evidence.sets(project_id, confidence=0.9)
        except StudioError as error:
            return [*said, str(error)]
        return [
            *said,
            f"Class sets at 90 %: they held the true class in {100 * sets.coverage:.0f} % and {sets.mean_size:.1f} "
            "classes on average. “Only pixels sure at” keeps those with one class.",
        ]

    def look(self, project_id: str, at: int) -> Answer:
        """The next random pixel, marked in the picture, and no map."""
        sample = self.studio.certify.sample(project_id)
        if not 0 <= at < len(sample.answers):
            raise BadRequest("There is no such pixel in the sample.")
        place = [int(sample.row[at]), int(sample.col[at])]
        heat = {
            "url": f"/hsi/evidence/{project_id}/blank.bin", "title": f"Random pixel {at + 1} of {len(sample.answers)}",
            "threshold": 0.5, "marks": [place], "kind": "mask", "blind": True,
        }  # fmt: skip
        return self.panel(project_id, at=at), packed({"heat": heat}), gr.skip(), gr.skip()

    def finished(self, project_id: str) -> Answer:
        return self.panel(project_id), packed({"heat": None}), gr.skip(), gr.skip()


def corners_of(value: Any) -> list[tuple[float, float]]:
    """A polygon of the page. Raises BadRequest."""
    try:
        return [(number(row), number(col)) for row, col in value]
    except (TypeError, ValueError) as error:
        raise BadRequest("This is no region: draw it again.") from error


def number(value: Any) -> float:
    """A number of the page. Raises BadRequest."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{value!r} is no number: give one, such as 3.")
    return float(value)
