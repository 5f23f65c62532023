"""From the façade's values to what the components show, packed as JSON text (`ui/web_component.py`). No component is
made here; nothing is computed that grows with the scene."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from hsi_studio.errors import StudioError
from hsi_studio.humanize import counted
from hsi_studio.studio.facade import Studio, crs_name
from hsi_studio.types import ClassSchema, Prediction, Progress, Scene
from hsi_studio.ui.viewer.accuracy_strip import compared_strip
from hsi_studio.ui.web_component import packed

BUSY_WORDS = "Computing the map of your labels …"


class Present:
    """Values of the shared components for one project."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def everything(self, project_id: str) -> tuple[Any, ...]:
        """Values for `Bus.shown`, in its order."""
        return (
            project_id,
            self.top(project_id),
            self.viewer(project_id),
            self.classes(project_id),
            self.strip(project_id),
            self.class_means(project_id),
        )

    def top(self, project_id: str) -> str:
        scene = self.studio.scene_of(project_id)
        height, width, count = scene.shape
        nm = scene.bands.wavelength_nm
        reach = "bands without wavelengths" if nm is None else f"{nm.min():.0f}–{nm.max():.0f} nm"
        facts = [f"{height} × {width} pixels", f"{count} bands", reach]
        if scene.dsm is not None:
            facts.append("heights")
        facts.append(f"CPU, {os.cpu_count()} cores: the live map needs no GPU")
        return packed({"title": scene.title, "facts": " · ".join(facts), "guest": self.studio.only is not None})

    def viewer(self, project_id: str) -> str:
        """The viewer's whole value; its protocol is in `component.py`."""
        return self.viewer_changes(project_id, scene=self._scene(self.studio.scene_of(project_id)))

    def viewer_changes(self, project_id: str, **more: Any) -> str:
        """What a click or a new map changes. Without the scene, which the page has, and without the active class,
        which the page knows better: an answer that took its time must not take a choice back."""
        status, labels = self.studio.status(project_id), self.studio.project(project_id).labels()
        points = np.stack([labels.row, labels.col, labels.label], axis=1).tolist()
        shown, prediction = None, self.studio.prediction(project_id)
        if prediction is not None:
            rev, (model, _), compared = prediction.revision, self._models(project_id), self._compared(project_id)
            texts = self.studio.queries.text_maps.shown_map(project_id)
            kind = compared or (f"model {model}" if model else self.studio.shown_run(project_id) or "live")
            kind = f"texts {id(texts)}" if prediction is texts else kind
            url = f"/hsi/map/{project_id}/{rev}{'' if model else self._draft(project_id)}"
            shown = {"rev": rev, "url": url, "kind": kind, "extra": extra_classes(prediction, labels.schema)}
        value = {
            "project": project_id,
            "classes": [
                {"id": info.id, "name": info.name, "color": info.color, "key": k + 1 if k < 9 else None}
                for k, info in enumerate(labels.schema.classes)
            ],
            "labels": {"seq": labels.revision, "points": points},
            "map": shown,
            "beside": self._beside(project_id, labels.schema),
            "progress": progress_value(status.progress),
        }
        return packed({**value, **more})

    def _models(self, project_id: str) -> tuple[str, str]:
        """Models whose maps are on the screen: those that were chosen and have their map."""
        maps = self.studio.models.maps
        left, right = maps.shown(project_id)
        ready = [bool(m) and maps.shown_map(project_id, side) is not None for side, m in enumerate((left, right))]
        return left if ready[0] else "", right if ready[1] else ""

    def _beside(self, project_id: str, schema: ClassSchema) -> dict[str, Any] | None:
        """The second map, right of the line."""
        prediction = self.studio.beside(project_id)
        if prediction is None:
            return None
        shown = self.studio.compare.maps.shown(project_id)
        if shown is not None:
            return {
                "url": f"/hsi/map/{project_id}/beside", "kind": f"{self._compared(project_id)} {shown.right}",
                "title": shown.right, "mine": shown.left, "extra": extra_classes(prediction, schema),
            }  # fmt: skip
        left, right = self._models(project_id)
        mine = self.studio.models.get(left).title if left else "Map of your labels"
        if not left and self.studio.shown_run(project_id):
            mine = "Trained map"
        return {
            "url": f"/hsi/map/{project_id}/beside",
            "kind": f"model {right}",
            "title": self.studio.models.get(right).title,
            "mine": mine,
            "extra": extra_classes(prediction, schema),
        }

    def _compared(self, project_id: str) -> str:
        """Names what is shown of a comparison; "" when nothing is."""
        shown = self.studio.compare.maps.shown(project_id)
        if shown is None:
            return ""
        return f"compare {shown.run_id} {shown.left}{f' − {shown.right}' if shown.difference else ''}"

    def _draft(self, project_id: str) -> str:
        """Which preview of a run in training is shown, "-…"; "" for whole maps."""
        run = self.studio.shown_run(project_id)
        if run is None:
            return ""
        try:
            return f"-{(self.studio.runs.folder(run) / 'preview.npz').stat().st_mtime_ns}"
        except (StudioError, OSError):  # it has ended, or has none yet
            return ""

    def _scene(self, scene: Scene) -> dict[str, Any]:
        height, width, count = scene.shape
        return {
            "id": scene.id,
            "h": height,
            "w": width,
            "b": count,
            "transform": scene.transform,
            "crs_name": crs_name(scene.crs),
            "gsd_m": scene.gsd_m,
            "valid_all": bool(scene.valid.all()),
            "composites": self.studio.composites(scene.id),
        }

    def classes(self, project_id: str, **more: Any) -> str:
        """The class list's value; `active` only where the server chooses."""
        project = self.studio.project(project_id)
        labels = project.labels()
        counts = labels.counts
        value = {
            "classes": [
                {"id": info.id, "name": info.name, "color": info.color, "count": int(counts[k])}
                for k, info in enumerate(labels.schema.classes)
            ],
            "undo": project.undo_label,
            "redo": project.redo_label,
            "draw": self.studio.labels.can_draw(project_id),
        }
        return packed({**value, **more})

    def answer(self, project_id: str, chosen: str | None = None, **more: Any) -> tuple[str, str]:
        """Values for (viewer, class list) after an action; `chosen`: the class it chose to label with, if it did."""
        choice = {} if chosen is None else {"active": chosen}
        return self.viewer_changes(project_id, **choice, **more), self.classes(project_id, **choice)

    def spectrum(self, project_id: str, pixel: tuple[int, int]) -> str:
        """A pixel's spectrum for the plot."""
        from hsi_studio.ui.viewer.spectrum_plot import pixel_value

        return packed(pixel_value(self.studio.scene_of(project_id), self.studio.spectra.pixel(project_id, *pixel)))

    def class_means(self, project_id: str) -> str:
        """The class means for the plot."""
        from hsi_studio.ui.viewer.spectrum_plot import means_value

        return packed(means_value(self.studio.scene_of(project_id), self.studio.spectra.of_classes(project_id)))

    def strip(self, project_id: str) -> str:
        """The accuracy strip: figures of the newest report, or the sentence that says what is missing."""
        return packed(self._strip(project_id))

    def _strip(self, project_id: str) -> dict[str, Any]:
        shown = self.studio.compare.maps.shown(project_id)
        if shown is not None:
            return compared_strip(self.studio.compare.get(shown.run_id).comparison, shown)
        left, right = self._models(project_id)
        if left:
            return {"state": "figures", "groups": [self._model_group(project_id, m) for m in (left, right) if m]}
        value = self._strip_of_labels(project_id)
        if right and value.get("groups"):
            value["groups"] = [value["groups"][0], self._model_group(project_id, right)]
        return value

    def _model_group(self, project_id: str, model_id: str) -> dict[str, Any]:
        """A model's figures as they were when it was trained."""
        from hsi_studio.ui.viewer.accuracy_strip import model_group

        try:
            info = self.studio.models.get(model_id)
        except StudioError as error:
            return {"title": model_id, "figures": [], "words": str(error)}
        return model_group(info.title, info.facts, self.studio.scene_of(project_id).id)

    def _strip_of_labels(self, project_id: str) -> dict[str, Any]:
        from hsi_studio.ui.viewer.accuracy_strip import strip_value

        project, status = self.studio.project(project_id), self.studio.status(project_id)
        texts = self.studio.queries.text_maps
        if texts.shown_map(project_id) is not None and texts.get(project_id).report is not None:
            return text_map_strip(texts.get(project_id))
        trained = self._trained(project_id)
        if trained is not None:
            return trained
        if status.error:
            return {"state": "error", "text": status.error}
        if status.progress is not None and status.report is None:
            return {"state": "words", "text": f"{status.progress.message} …"}
        if status.message:
            return {"state": "words", "text": status.message}
        if status.report is None:
            return {"state": "words", "text": BUSY_WORDS if len(project.labels()) else "Label pixels to see a map."}
        return strip_value(status.report, stale=status.report_revision < project.revision)

    def _trained(self, project_id: str) -> dict[str, Any] | None:
        """The strip of the run whose map is shown; None for the live map."""
        from hsi_studio.ui.viewer.accuracy_strip import strip_value

        run = self.studio.shown_run(project_id)
        if run is None:
            return None
        try:
            info, report = self.studio.runs.get(run), self.studio.runs.report(run)
        except StudioError as error:
            return {"state": "error", "text": str(error)}
        if report is None:
            return (
                {"state": "words", "text": f"Preview of a training that goes on: {info.title}."} if info.alive else None
            )
        value = strip_value(report, stale=False)
        for group in value["groups"]:
            group["title"] = f"{group['title']} · trained map ({info.method})"
        late = self.studio.project(project_id).label_changes(info.revision)
        if late:
            value["text"] = f"Your labels have changed {counted(late, 'time')} since this training."
        return value

    def seen(self, project_id: str) -> str:
        """A short text that changes whenever this project's page should be drawn again."""
        status = self.studio.status(project_id)
        prediction = self.studio.prediction(project_id)
        shown = f"{self.studio.shown_run(project_id) or ''}{self._draft(project_id)}"
        map_revision = "" if prediction is None else f"{shown}{prediction.method}{prediction.revision}"
        busy = "" if status.progress is None else f"{status.progress.message}{status.progress.done:.0f}"
        return (
            f"{self.studio.project(project_id).revision}/{map_revision}/{status.report_revision}/{busy}{status.error}"
            f"/{'+'.join(self._models(project_id))}/{self.studio.compare.maps.shown(project_id)}"
        )


def text_map_strip(made: Any) -> dict[str, Any]:
    """The strip of a map made from class texts alone."""
    from hsi_studio.ui.viewer.accuracy_strip import strip_value

    value = strip_value(made.report, stale=False)
    for group in value["groups"]:
        group["title"] = f"{group['title']} · map from texts alone ({made.prompts})"
    return value


def extra_classes(prediction: Prediction, schema: ClassSchema) -> list[dict[str, str]]:
    """Classes of a map that the project has not."""
    return [
        {"id": info.id, "name": info.name, "color": info.color}
        for info in prediction.schema.classes
        if schema.get(info.id) is None
    ]


def progress_value(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {"text": progress.message, "fraction": progress.fraction, "seconds_left": progress.seconds_left}
