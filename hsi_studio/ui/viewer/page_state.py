"""From the façade's values to what the components show, packed as JSON text (`ui/web_component.py`). No component is
made here; nothing is computed that grows with the scene."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from hsi_studio.errors import StudioError
from hsi_studio.project.store import Project
from hsi_studio.studio.displayed_map import THE_REFERENCE
from hsi_studio.studio.facade import LIVE, DisplayedMap, Studio, crs_name, sides_m
from hsi_studio.types import ClassSchema, Progress, Scene
from hsi_studio.ui.said_on_page import for_page
from hsi_studio.ui.viewer.accuracy_strip import (
    brief,
    compared_strip,
    compared_value,
    model_group,
    per_class_value,
    strip_value,
)
from hsi_studio.ui.viewer.tile_routes import BESIDE
from hsi_studio.ui.web_component import packed

BUSY_WORDS = "Computing the map of your labels …"
YOURS = "Map of your labels"
NOT_MEASURED = "How good this map is has not been measured"


def stepped(project: Project, what: str) -> str:
    """Undo ("undo") or redo the last action, whoever made it; what to say of it. Raises LabelProblem."""
    back = what == "undo"
    text = (project.undo() if back else project.redo()).removeprefix(f"{what}: ")
    return f"{'Undone' if back else 'Done again'}: {text}."


class Present:
    """Values of the shared components for one project."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def everything(self, project_id: str, notes: Sequence[str] = ()) -> tuple[Any, ...]:
        """Values for `Bus.shown`, in its order. `notes`: sentences to show under the title, before the project's."""
        return (
            project_id,
            self.top(project_id, notes),
            self.viewer(project_id),
            self.classes(project_id),
            self.strip(project_id),
            self.class_means(project_id),
        )

    def top(self, project_id: str, notes: Sequence[str] = ()) -> str:
        scene = self.studio.scene_of(project_id)
        height, width, count = scene.shape
        nm = scene.bands.wavelength_nm
        reach = "bands without wavelengths" if nm is None else f"{nm.min():.0f}–{nm.max():.0f} nm"
        facts = [f"{height} × {width} pixels", f"{count} bands", reach]
        if scene.dsm is not None:
            facts.append("surface model (DSM)")
        facts.append(f"CPU, {os.cpu_count()} cores: the live map needs no GPU")
        if self.studio.project(project_id).lesson_on:
            facts.insert(0, "lesson: the reference is hidden")
        for lists in (self.studio.imported, self.studio.edits):  # what is damaged in them becomes a note
            with suppress(StudioError):
                lists.listed(project_id)
        said = [for_page(note) for note in (*notes, *self.studio.project(project_id).notes)]
        return packed(
            {"title": scene.title, "facts": " · ".join(facts), "guest": self.studio.only is not None, "notes": said,
             "project": project_id}
        )  # fmt: skip

    def nothing(self, notes: Sequence[str] = ()) -> tuple[Any, ...]:
        """Values for `Bus.shown` while no project is open: the page offers what can be opened, a guest to leave."""
        guest = self.studio.only is not None
        top = {"title": "", "facts": "", "guest": guest, "notes": list(notes), "project": "", "start": not guest}
        words = {"state": "words", "text": "Nothing is open."}
        unchanged = gr.skip()  # a value that changes has every tab look for its project
        return unchanged, packed(top), packed({}), packed({}), packed(words), packed({})

    def viewer(self, project_id: str) -> str:
        """The viewer's whole value; its protocol is in `component.py`."""
        return self.viewer_changes(project_id, scene=self._scene(self.studio.scene_of(project_id)))

    def viewer_changes(self, project_id: str, **more: Any) -> str:
        """What a click or a new map changes. Without the scene, which the page has, and without the active class,
        which the page knows better: an answer that took its time must not take a choice back."""
        status, labels = self.studio.status(project_id), self.studio.project(project_id).labels()
        points = np.stack([labels.row, labels.col, labels.label], axis=1).tolist()
        left, right, schema = (
            self.studio.displayed.left(project_id),
            self.studio.displayed.right(project_id),
            labels.schema,
        )
        shown, beside = None, None
        if left is not None:
            url = f"/hsi/map/{project_id}/{left.revision}{left.version and '-'}{left.version}"
            shown = {"rev": left.revision, "url": url, "kind": left.layer, "extra": extra_classes(left, schema)}
        if right is not None:
            beside = {
                "url": f"/hsi/map/{project_id}/{BESIDE}-{right.revision}-{right.version}", "kind": right.layer,
                "title": right.title, "mine": YOURS if left is None else left.title,
                "extra": extra_classes(right, schema),
            }  # fmt: skip
        value = {
            "project": project_id,
            "classes": [
                {"id": info.id, "name": info.name, "color": info.color, "key": k + 1 if k < 9 else None}
                for k, info in enumerate(labels.schema.classes)
            ],
            "labels": {"seq": labels.revision, "points": points},
            "map": shown,
            "beside": beside,
            "progress": progress_value(self._making(project_id)[0] or status.progress),
        }
        return packed({**value, **more})

    def _making(self, project_id: str) -> tuple[Progress | None, str]:
        """(how far, why not) of a model's map that was chosen, left or right, and is not there."""
        for layer in filter(None, self.studio.displayed.chosen(project_id)):
            kind, _, item = layer.partition(":")
            work = self.studio.models.maps.work(project_id, item) if kind == "model" else None
            if work is None or work.state in ("done", "stopped"):
                continue
            title = self.studio.displayed.title(project_id, kind, item)
            if work.state == "failed":
                return None, f"{title}: {work.error}"
            done = work.progress or Progress("Waiting")
            return replace(done, message=f"{done.message} · {title}"), ""
        return None, ""

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
            "along_m": (sides_m(scene) or (None,))[0],  # of a pixel along its row, for the scale bar
            "valid_all": scene.survey.known == 1 and bool(scene.valid.all()),
            "composites": self.studio.composites(scene.id),
        }

    def classes(self, project_id: str, **more: Any) -> str:
        """The class list's value; `active` only where the server chooses."""
        project = self.studio.project(project_id)
        labels = project.labels()
        counts = labels.counts
        from hsi_studio.ui.tabs.lesson.values import limit_value

        value = {
            "classes": [
                {"id": info.id, "name": info.name, "color": info.color, "count": int(counts[k])}
                for k, info in enumerate(labels.schema.classes)
            ],
            "undo": project.undo_label,
            "redo": project.redo_label,
            "draw": self.studio.labels.can_draw(project_id),
            "lesson": limit_value(self.studio, project_id),
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
        """The accuracy strip: figures of the newest report, or the sentence that says what is missing; a card for a map
        that waits to be shown."""
        value: dict[str, Any] = {"project": project_id, "brief": self._brief(project_id), **self._strip(project_id)}
        card = self._card(project_id)
        return packed({**value, "card": card} if card else value)

    def _brief(self, project_id: str) -> str:
        """The one figure of the status line: away from labels, where that was measured."""
        left = self.studio.displayed.left(project_id)
        try:
            report = None if left is None else left.report
        except StudioError:
            return ""
        return "" if report is None else brief(report)

    def _strip(self, project_id: str) -> dict[str, Any]:
        left, right = self.studio.displayed.left(project_id), self.studio.displayed.right(project_id)
        if failed := self._making(project_id)[1]:
            return {"state": "error", "text": failed}
        value = self._strip_of_labels(project_id) if left is None or left.source == "live" else self._strip_of(left)
        if right is None:
            return value
        arms = left is not None and left.source == right.source == "comparison"  # means of draws on the same pixels
        if left is not None and not arms:
            try:
                both = self.studio.evidence.compare_maps(left, right)
            except StudioError as error:
                return {"state": "error", "text": str(error)}
            if not both.problem:
                return compared_value(both, left.title, right.title)
        if value.get("groups"):
            groups = self._strip_of(right).get("groups", [])
            value["groups"] = [*value["groups"][:1], *groups[:1]]
        return value

    def _card(self, project_id: str) -> dict[str, str | bool] | None:
        """What a new map would change, in a sentence; it is shown when the user says so. One that is `worse` is not
        offered as the thing to do."""
        displayed = self.studio.displayed
        news = displayed.news(project_id)
        if news is None:
            return None
        left, text, caveat, worse = displayed.left(project_id), f"{news.title} is ready.", "", False
        if left is not None and left.layer != news.layer:
            text, caveat, worse = self._against(left, news)
        return {"text": text, "caveat": caveat, "worse": worse, "layer": news.layer}

    def _against(self, first: DisplayedMap, second: DisplayedMap) -> tuple[str, str, bool]:
        """What the second map changes in a sentence, what has to be known to read it, and whether it is worse."""
        name = f"Imported “{second.title}”" if second.source == "imported" else second.title
        try:
            both = self.studio.evidence.compare_maps(first, second)
        except StudioError as error:
            return f"{name} is ready. {error}", "", False
        told = both.sentence(in_words(first), name)
        if told or second.source != "imported":
            return told or f"{name} is ready.", both.caveat, both.worse
        return f"{name} is a layer now. {both.problem}", both.caveat, False

    def after_news(self, project_id: str, done: dict[str, Any]) -> tuple[str, str]:
        """(viewer, strip) after the card's “Show” or “Leave it”."""
        displayed = self.studio.displayed
        news = displayed.news(project_id)
        if news is not None and done.get("do") == "show":
            source, _, item = news.layer.partition(":")
            displayed.show(project_id, source, item)
        elif done.get("do") == "dismiss":
            displayed.dismiss(project_id)
        return self.viewer_changes(project_id), self.strip(project_id)

    def follow_labels(self, project_id: str) -> str:
        """After a label: the map that follows labels is shown. What to say of it; "" when it was shown before."""
        before = self.studio.displayed.follow_labels(project_id)
        if not before:
            return ""
        shown = self.studio.displayed.left(project_id)
        if shown is None or shown.source != "live":
            return f"Your clicks make a map of their own: until two classes have a label, you see {before}."
        return f"Shown again: the map of your labels, which follows your clicks. Before: {before}."

    def _strip_of(self, shown: DisplayedMap) -> dict[str, Any]:
        """The strip of one map, with what its accuracy was measured on."""
        try:
            if shown.source == "comparison":
                run_id = shown.id.partition("/")[0]
                return compared_strip(
                    self.studio.compare.get(run_id).comparison, self.studio.compare.maps.arms(shown.id)
                )
            if shown.source == "model":
                info = self.studio.models.get(shown.id)
                scene_id = self.studio.scene_of(shown.project_id).id
                told = self.studio.models.fit(shown.id, shown.project_id)
                return {
                    "state": "figures",
                    "groups": [model_group(info.title, info.facts, scene_id)],
                    "text": told.words,
                }
            if shown.source == "reference":
                return {"state": "words", "text": THE_REFERENCE}
            if shown.report is None:
                words = "Preview of a training that goes on" if shown.source == "preview" else NOT_MEASURED
                return {"state": "words", "text": f"{words}: {shown.title}."}
            value = strip_value(shown.report, stale=False)
            for group in value["groups"]:
                group["title"] = f"{group['title']} · {self._short(shown)}"
            if shown.source == "imported":
                live = self.studio.displayed.at(shown.project_id, LIVE)
                against = ("", "") if live is None else self._against(live, shown)[:2]
                value["text"] = " ".join(filter(None, against)) or value["text"]
            if shown.source == "run":
                late = self._late(shown)
                value["text"] = late or value["text"]
        except StudioError as error:
            return {"state": "error", "text": str(error)}
        return value

    def _late(self, shown: DisplayedMap) -> str:
        late = self.studio.project(shown.project_id).label_changes(self.studio.runs.get(shown.id).revision)
        return f"Your labels have changed {late} time{'s' * (late != 1)} since this training." if late else ""

    def _short(self, shown: DisplayedMap) -> str:
        """What kind of map, where figures stand."""
        if shown.source == "texts":
            return f"map from texts alone ({self.studio.queries.text_maps.get(shown.project_id).prompts})"
        if shown.source == "run":
            return f"trained map ({shown.prediction.method})"
        return in_words(shown)

    def _strip_of_labels(self, project_id: str) -> dict[str, Any]:
        project, status = self.studio.project(project_id), self.studio.status(project_id)
        if status.error:
            return {"state": "error", "text": status.error}
        if status.progress is not None and status.report is None:
            return {"state": "words", "text": f"{status.progress.message} …"}
        if status.message:
            return {"state": "words", "text": status.message}
        if status.report is None:
            return {"state": "words", "text": BUSY_WORDS if len(project.labels()) else "Label pixels to see a map."}
        value = strip_value(status.report, stale=status.report_revision < project.revision)
        return value | {"text": " ".join(filter(None, (value["text"], status.words)))}

    def map_tab(self, project_id: str) -> dict[str, str]:
        """The panels of the Map tab, by element: which map is exported, its accuracy per class, matrix and areas; and
        the lesson's."""
        from hsi_studio.ui.tabs.lesson.values import lesson_value
        from hsi_studio.ui.tabs.map.values import evidence_value

        shown = self.studio.displayed.left(project_id)
        evidence = {"hsi-evidence": packed(evidence_value(self.studio, project_id))}
        lesson = {"hsi-lesson": packed(lesson_value(self.studio, project_id))}
        return {**evidence, **lesson, **self._shown_map(shown)}

    def _shown_map(self, shown: DisplayedMap | None) -> dict[str, str]:
        if shown is None:
            return {"hsi-map-shown": packed({}), "hsi-map-classes": packed(per_class_value(None))}
        words = f"On the screen, and what is exported: {shown.title} ({shown.prediction.method})."
        try:
            report = shown.report
        except StudioError as error:
            return {"hsi-map-shown": packed({"empty": words}), "hsi-map-classes": packed({"empty": str(error)})}
        of = "" if shown.source == "live" else self._short(shown)
        return {"hsi-map-shown": packed({"empty": words}), "hsi-map-classes": packed(per_class_value(report, of))}

    def seen(self, project_id: str) -> str:
        """A short text that changes whenever this project's page should be drawn again."""
        status = self.studio.status(project_id)
        making, failed = self._making(project_id)
        progress = making or status.progress
        busy = failed + ("" if progress is None else f"{progress.message}{progress.done:.0f}")
        return (
            f"{self.studio.project(project_id).revision}/{self.studio.displayed.stamp(project_id)}"
            f"/{status.report_revision}/{busy}{status.error}/{self.studio.project(project_id).lesson_on}"
        )


def in_words(shown: DisplayedMap) -> str:
    """A map's title inside a sentence: names of methods keep their capitals."""
    return f"{shown.title[:1].lower()}{shown.title[1:]}" if shown.source == "live" else shown.title


def extra_classes(shown: DisplayedMap, schema: ClassSchema) -> list[dict[str, str]]:
    """Classes of a map that the project has not."""
    return [
        {"id": info.id, "name": info.name, "color": info.color}
        for info in shown.prediction.schema.classes
        if schema.get(info.id) is None
    ]


def progress_value(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {"text": progress.message, "fraction": progress.fraction, "seconds_left": progress.seconds_left}
