"""How a prompt set looks to the text model, made in the background: likeness, 2-D maps, words against pixels.

One view a project is kept, for the set, its version and the labels it was made from; asking with another of these
starts it again. The first view of a session takes some seconds (the text model is opened), the next ones less than one:
the model stays open, each sentence's vector is cached on disk, the joint space is made once for a model and labels.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from hsi_studio.edges import sentence
from hsi_studio.engine.query.class_differences import differences
from hsi_studio.engine.query.joint_space import JointSpace, joint_space, newest_model
from hsi_studio.engine.spectra import class_spectra
from hsi_studio.errors import Cancelled, StudioError
from hsi_studio.methods import methods
from hsi_studio.studio import Subject
from hsi_studio.studio.class_measurements import Measurements, label_key
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.disagreement import FEWEST, Disagreement, disagreements
from hsi_studio.text.encoders import SentenceEncoder, get_encoder
from hsi_studio.text.similarity import Pair, Similarity, close_pairs, similarity
from hsi_studio.types import LabelSet, Scene

log = logging.getLogger(__name__)

Key = tuple[str, int, int]  # set id, version, hash of the labels


@dataclass(frozen=True)
class TextView:
    """`state`: "working", "done" or "failed" (then `error` says why)."""

    state: str
    set_id: str = ""
    version: int = 0
    similarity: Similarity | None = None
    pairs: tuple[Pair, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    compared: str = ""  # what words and pixels were compared on, or why they were not
    joint: JointSpace | None = None
    joint_note: str = ""  # why there is no joint space
    error: str = ""


class TextViews(Subject):
    """The views of all projects. Thread-safe."""

    def __init__(self, workspace: Workspace, measurements: Measurements) -> None:
        self._workspace, self._measurements = workspace, measurements
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Key, TextView]] = {}
        self._joints: dict[str, tuple[tuple[str, int], JointSpace]] = {}  # project id → (model, labels), space
        self._encoder: SentenceEncoder | None = None
        self._closed = threading.Event()
        workspace.on_close(self.forget)

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory."""
        with self._lock:
            self._kept.pop(project_id, None)
            self._joints.pop(project_id, None)

    def view(self, project_id: str, set_id: str) -> TextView:
        """The view as far as it is; starts it when it is missing or old. Raises LabelProblem."""
        project = self._workspace.project(project_id)
        info, labels = project.words.get(set_id), project.labels()
        key = (set_id, info.version, label_key(labels))
        with self._lock:
            known = self._kept.get(project_id)
            if known is not None and known[0] == key:
                return known[1]
            fresh = TextView("working", set_id, info.version)
            self._kept[project_id] = (key, fresh)
        threading.Thread(target=self._run, args=(project_id, key), name="text view", daemon=True).start()
        return fresh

    def close(self) -> None:
        self._closed.set()

    def _run(self, project_id: str, key: Key) -> None:
        made = TextView("working", key[0], key[1])
        try:
            made = self._make(project_id, key, made)
        except Cancelled:
            return
        except StudioError as error:
            made = replace(made, state="failed", error=str(error))
        except Exception as error:
            made = replace(
                made, state="failed",
                error=f"The texts could not be compared. {sentence(error)}",
            )  # fmt: skip
        self._publish(project_id, key, made)

    def _publish(self, project_id: str, key: Key, made: TextView) -> None:
        with self._lock:
            if self._kept.get(project_id, (None,))[0] == key:
                self._kept[project_id] = (key, made)

    def _make(self, project_id: str, key: Key, made: TextView) -> TextView:
        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        prompts, labels = project.words.prompts(key[0], key[1]), project.labels()
        encoder = self._open_encoder()
        found = similarity(encoder, prompts, labels.schema)
        known = differences(class_spectra(scene, labels), labels.schema, scene.bands)
        made = replace(made, similarity=found, pairs=tuple(close_pairs(found, prompts, known)))
        self._publish(project_id, key, made)  # the pixels' part takes longer
        self._check(project_id, key)
        measured = self._measurements.of(project_id)
        if len(measured.values) < FEWEST:
            note = f"Words and pixels are compared once {FEWEST} classes have labels ({len(measured.values)} now)."
            made = replace(made, compared=note)
        else:
            wrong = disagreements(encoder, prompts, labels.schema, measured.values, measured.sentences)
            note = f"Words compared with what was measured on the labels of {len(measured.values)} classes."
            made = replace(made, disagreements=tuple(wrong), compared=note)
        file = newest_model(project.folder / "runs", scene)
        if file is None:
            able = [method.title for method in methods().entries.values() if method.joint_space]
            note = f"Train {' or '.join(able)} on this scene to see texts and pixels in one space."
            return replace(made, state="done", joint_note=note)
        try:
            return replace(made, state="done", joint=self._joint(project_id, key, file, scene, labels))
        except Cancelled:
            raise
        except StudioError as error:
            return replace(made, state="done", joint_note=f"No joint space: {error}")

    def _joint(self, project_id: str, key: Key, file: Path, scene: Scene, labels: LabelSet) -> JointSpace:
        made_from = (str(file), key[2])
        with self._lock:
            known = self._joints.get(project_id)
        if known is None or known[0] != made_from:
            known = (made_from, joint_space(file, scene, labels, lambda: self._check(project_id, key)))
            with self._lock:
                self._joints[project_id] = known
        return known[1]

    def _open_encoder(self) -> SentenceEncoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = get_encoder(cache_dir=self._workspace.cache_folder)
            return self._encoder

    def _check(self, project_id: str, key: Key) -> None:
        """Raises Cancelled when nobody waits for this view any more."""
        with self._lock:
            wanted = self._kept.get(project_id, (None,))[0] == key
        if self._closed.is_set() or not wanted:
            raise Cancelled("Stopped.")
