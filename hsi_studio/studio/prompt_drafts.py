"""Descriptions that a language model proposes: asked for in the background, shown as they are written, taken over one
class at a time and only by the user.

A proposal nobody has decided on stays when the model is asked again, until the new answer has one for its class: an
answer that fails takes nothing away.

States: writing → done | failed | cancelled. A proposal leaves the draft when it is accepted or turned down. Nothing of
a draft is kept on disk but what was accepted, and that goes through the journal like any other edit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hsi_studio.edges import sentence
from hsi_studio.errors import BadRequest, Cancelled, LanguageModelProblem, StudioError
from hsi_studio.studio import Subject
from hsi_studio.studio.class_measurements import Measurements
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.llm.description_task import MAX_SYSTEM, SYSTEM, Proposal, Task, problems
from hsi_studio.text.llm.protocol import Usage, Writer
from hsi_studio.text.llm.settings import HOW

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """An answer as far as it is."""

    state: str  # "writing", "done", "failed", "cancelled"
    model: str
    place: str
    text: str = ""
    proposals: tuple[Proposal, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage | None = None
    error: str = ""


@dataclass
class _Kept:
    """Of everybody who works in one home; by project."""

    writer: Writer | None = None
    drafts: dict[str, Draft] = field(default_factory=dict)
    stops: dict[str, threading.Event] = field(default_factory=dict)
    settled: dict[str, set[str]] = field(default_factory=dict)  # classes accepted or turned down
    lock: threading.Lock = field(default_factory=threading.Lock)


class Drafts(Subject):
    """One draft a project. Thread-safe."""

    def __init__(self, workspace: Workspace, measurements: Measurements) -> None:
        self._workspace, self._measurements = workspace, measurements
        self._kept = workspace.shared(_Kept)

    @property
    def writer(self) -> Writer | None:
        """The language model. Set by who starts the app, never by the page."""
        return self._kept.writer

    @writer.setter
    def writer(self, writer: Writer | None) -> None:
        self._kept.writer = writer

    @property
    def available(self) -> bool:
        return self.writer is not None

    @property
    def how(self) -> str:
        """What to do to have one."""
        return HOW

    @property
    def system(self) -> str:
        """The system prompt to begin with."""
        return SYSTEM

    def task(self, project_id: str, classes: Sequence[str] = (), measure: bool = True) -> Task:
        """What would be sent; `measure=False` leaves the measured facts out, which takes no time."""
        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        schema, nm = project.schema, scene.bands.wavelength_nm
        wanted = tuple(classes) or tuple(info.id for info in schema.classes)
        reach = None
        if nm is not None and scene.good_bands.any():
            good = np.asarray(nm)[scene.good_bands]
            reach = (float(good.min()), float(good.max()))
        facts = self._measurements.of(project_id).sentences if measure else {}
        return Task(
            scene.title, schema, reach, scene.dsm is not None, scene.gsd_m, int(scene.good_bands.sum()), facts, wanted
        )

    def start(self, project_id: str, system: str = "", classes: Sequence[str] = ()) -> Draft:
        """Ask. Returns at once; `get` says how far it is. Raises BadRequest."""
        writer = self.writer
        if writer is None:
            raise BadRequest(f"No language model is set. {HOW}")
        project = self._workspace.project(project_id)
        if not len(project.schema):
            raise BadRequest("There are no classes to describe yet: add some in the Label tab.")
        if len(system) > MAX_SYSTEM:
            raise BadRequest(f"The system prompt has {len(system)} characters; {MAX_SYSTEM} are the most.")
        with self._kept.lock:
            now = self._kept.drafts.get(project_id)
            if now is not None and now.state == "writing":
                raise BadRequest("The language model is writing already: wait for it or stop it first.")
            stop = self._kept.stops[project_id] = threading.Event()
            self._kept.settled[project_id] = set()
            before = now.proposals if now is not None else ()
            made = self._kept.drafts[project_id] = Draft("writing", writer.name, writer.place, proposals=before)
        arguments = (project_id, writer, system.strip() or SYSTEM, tuple(classes), stop)
        threading.Thread(target=self._run, args=arguments, name="language model draft", daemon=True).start()
        return made

    def get(self, project_id: str) -> Draft | None:
        """How far the last draft is; None when there was none since the start. Raises BadRequest for a project that is
        not the guest's."""
        self._workspace.admit(project_id)
        with self._kept.lock:
            return self._kept.drafts.get(project_id)

    def cancel(self, project_id: str) -> None:
        """Stop writing; proposals that are whole stay. Raises BadRequest for a project that is not the guest's."""
        self._workspace.admit(project_id)
        with self._kept.lock:
            stop = self._kept.stops.get(project_id)
        if stop is not None:
            stop.set()

    def checked(self, project_id: str, class_id: str, sentences: Sequence[str]) -> tuple[str, ...]:
        """The sentences of a proposal, as the user left them, when nothing is wrong with them.

        Raises LanguageModelProblem with what is wrong, BadRequest when the proposal is gone.
        """
        draft, project = self.get(project_id), self._workspace.project(project_id)
        info = project.schema.get(class_id)
        if draft is None or info is None or not any(p.class_id == class_id for p in draft.proposals):
            raise BadRequest("This proposal is gone. Ask the language model again.")
        kept = tuple(text.strip() for text in sentences if text.strip())
        wrong = problems(kept, info.name, self.task(project_id, (class_id,), measure=False).range_nm)
        if wrong:
            raise LanguageModelProblem(f"{info.name}: {' '.join(wrong)} Change it here, or turn it down.")
        return kept

    def settle(self, project_id: str, class_id: str) -> None:
        """The proposal of a class is dealt with."""
        with self._kept.lock:
            self._kept.settled.setdefault(project_id, set()).add(class_id)
            draft = self._kept.drafts.get(project_id)
            if draft is not None:
                left = tuple(p for p in draft.proposals if p.class_id != class_id)
                self._kept.drafts[project_id] = replace(draft, proposals=left)

    def close(self) -> None:
        with self._kept.lock:
            for stop in self._kept.stops.values():
                stop.set()

    def _run(
        self, project_id: str, writer: Writer, system: str, classes: tuple[str, ...], stop: threading.Event
    ) -> None:
        text = ""
        task: Task | None = None

        def take(piece: str) -> None:
            nonlocal text
            text += piece
            assert task is not None
            # reading the whole text again for every piece would cost its square; a line's end brings something new
            if "\n" in piece or "}" in piece:
                self._read(project_id, task, stop, text)
            else:
                self._set(project_id, stop, text=text)

        try:
            task = self.task(project_id, classes)
            answer = writer.write(task.messages(system), take, stop.is_set, task.tokens)
            proposals, notes = task.read(answer.text)
            missing, waiting = task.missing(proposals), self.get(project_id)
            kept = {p.class_id for p in (waiting.proposals if waiting else ())} - {p.class_id for p in proposals}
            if answer.cut:
                notes.append(f"The answer is not whole: {answer.cut}.")
            if missing:
                notes.append(f"Nothing usable in the answer for: {', '.join(missing)}.")
            if names := [info.name for info in task.schema.classes if info.id in kept]:
                notes.append(f"Still from the answer before: {', '.join(names)}.")
            self._set(
                project_id, stop, state="done", text=answer.text, usage=answer.usage, notes=tuple(notes),
                proposals=self._left(project_id, proposals),
            )  # fmt: skip
        except Cancelled:
            self._set(project_id, stop, state="cancelled")
        except StudioError as error:
            self._set(project_id, stop, state="failed", error=str(error))
        except Exception as error:
            self._set(
                project_id, stop, state="failed",
                error=f"Asking the language model failed. {sentence(error)}",
            )  # fmt: skip

    def _read(self, project_id: str, task: Task, stop: threading.Event, text: str) -> None:
        proposals, _ = task.read(text)
        self._set(project_id, stop, text=text, proposals=self._left(project_id, proposals))

    def _left(self, project_id: str, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
        with self._kept.lock:
            settled, now = self._kept.settled.get(project_id, set()), self._kept.drafts.get(project_id)
            new = {p.class_id for p in proposals}
            before = [p for p in (now.proposals if now is not None else ()) if p.class_id not in new]
            return tuple(p for p in (*proposals, *before) if p.class_id not in settled)

    def _set(self, project_id: str, stop: threading.Event, **changes: object) -> None:
        with self._kept.lock:
            if self._kept.stops.get(project_id) is stop:  # else a newer draft has taken its place
                self._kept.drafts[project_id] = replace(self._kept.drafts[project_id], **changes)  # type: ignore[arg-type]
