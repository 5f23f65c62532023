"""`studio.queries`: scenes asked in words, classes described from their pixels, maps from texts alone.

>>> studio.queries.ask(project.id, "tall vegetation near water")
>>> status = studio.queries.wait(project.id, timeout=60)
>>> status.regions[0].description.text
>>> studio.queries.describe_class(project.id, roof.id).sentences

Asking returns at once: one thread does the work of all projects, the newest question of a project wins. What a scene's
words are worth (`engine/query/graded_superpixels.py`) is made at the first question and cached by the scene's content;
the questions after it take a fraction of a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.edges import sentence
from hsi_studio.engine.query.graded_superpixels import graded_superpixels
from hsi_studio.engine.query.matcher import Answer, Matcher, ask_described, ask_model, clean
from hsi_studio.engine.query.model_text_space import ClassSpace, open_space
from hsi_studio.engine.query.regions import Region, candidates, top_regions
from hsi_studio.engine.query.spectral_words import spectral_words
from hsi_studio.errors import BadRequest, Cancelled, StudioError
from hsi_studio.methods import methods
from hsi_studio.methods.contract import TextSpace
from hsi_studio.studio import Subject
from hsi_studio.studio.class_words import ClassWords
from hsi_studio.studio.descriptions import Descriptions
from hsi_studio.studio.evaluation import Evaluation
from hsi_studio.studio.models import Models
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.text_maps import TextMaps
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.description import Description
from hsi_studio.text.encoders import TextEncoder, get_encoder
from hsi_studio.text.materials.names import Encode
from hsi_studio.text.model_files import check_allowed
from hsi_studio.types import BoolArray, Progress, Scene

log = logging.getLogger(__name__)

DESCRIBED = "described"  # the engine that needs no label
KEPT = 3  # scenes whose words stay in memory
State = Literal["idle", "working", "done", "failed"]


@dataclass(frozen=True)
class Engine:
    """What can answer questions about a scene. `id` "described" or "model:ID"."""

    id: str
    title: str
    note: str


@dataclass(frozen=True)
class QueryStatus:
    """A project's last question. `serial` changes whenever anything here does."""

    serial: int = 0
    state: State = "idle"
    text: str = ""
    engine: str = DESCRIBED
    progress: Progress | None = None
    answer: Answer | None = None
    threshold: float = 0.5
    regions: tuple[Region, ...] = ()
    seconds: float = 0.0  # from asking to the answer
    heat: bool = True  # whether its heat map is to be seen
    error: str = ""


class Queries(Subject):
    """One subject of `Studio`; maps from texts are `text_maps`, what is said of pixels `descriptions`,
    what the names of classes mean `class_words`.

    `changed(project_id)` is called after every edit; `text_map_ready(project_id)` when a map from texts is there.
    """

    def __init__(
        self,
        workspace: Workspace,
        models: Models,
        prompts: Prompts,
        evaluation: Evaluation,
        descriptions: Descriptions,
        changed: Callable[[str], None],
        text_map_ready: Callable[[str], None],
        words_known: Callable[[str], None] = lambda project_id: None,
    ) -> None:
        self._workspace, self._models, self._changed = workspace, models, changed
        self.descriptions = descriptions
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._matchers: OrderedDict[str, Matcher] = OrderedDict()  # scene id → its words
        self._spaces: tuple[str, TextSpace, bool] | None = None  # the model asked last
        self._asked: dict[str, QueryStatus] = {}
        self._encoder: TextEncoder | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._closed = threading.Event()
        workspace.on_close(self.forget)
        self.text_maps = TextMaps(
            workspace, prompts, evaluation, self._matcher, self._submit, self._check, text_map_ready
        )  # fmt: skip
        self.class_words = ClassWords(workspace, self._matcher, self._submit, self._check, words_known)

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory: its answer and the scene's words go, unless one is being made."""
        with self._lock:
            asked = self._asked.get(project_id)
            if asked is None or asked.progress is None:
                self._asked.pop(project_id, None)
                self._matchers.pop(scene_id, None)

    # ── descriptions ────────────────────────────────────────────────────────────────────────────

    def describe_class(self, project_id: str, class_id: str) -> Description:
        """A class from its labelled pixels. Raises BadRequest for a class without labels."""
        return self.descriptions.of_class(project_id, class_id)

    def describe_region(self, project_id: str, mask: BoolArray) -> Description:
        """Any pixels of the scene, (H, W). Raises BadRequest for none."""
        return self.descriptions.of_region(project_id, mask)

    def describe_polygon(self, project_id: str, corners: Sequence[tuple[float, float]]) -> Description:
        """The pixels inside a drawn polygon of (row, column) corners. Raises BadRequest when there are none."""
        return self.descriptions.of_polygon(project_id, corners)

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    def engines(self, project_id: str) -> list[Engine]:
        """What can be asked: the described pixels first, then models with class texts that fit the scene."""
        found = [Engine(DESCRIBED, "Described pixels", "Needs no label: compares words with what was measured")]
        for info in self._models.find():
            facts = info.facts
            method = methods().entries.get(facts.method) if facts is not None else None
            if info.problem or method is None or "text" not in method.needs:
                continue
            if not self._models.fit(info.id, project_id).ok:
                continue
            own = "Its own text side: knows words near its classes"
            note = own if method.own_text_side else "Answers in its classes only"
            found.append(Engine(f"model:{info.id}", f"Model: {info.title}", note))
        return found

    def ask(self, project_id: str, text: str, engine: str = DESCRIBED) -> QueryStatus:
        """Have a question answered in the background. Raises BadRequest (empty, too long)."""
        text = clean(text)
        if engine != DESCRIBED and not engine.startswith("model:"):
            raise BadRequest(f"There is no engine {engine!r}. Choose one of `engines(project_id)`.")
        started = time.perf_counter()
        fresh = self._put(
            project_id, state="working", text=text, engine=engine, progress=Progress("Waiting"), answer=None,
            regions=(), error="", heat=True,
        )  # fmt: skip
        self._submit(lambda: self._answer(project_id, text, engine, started), self._failed(project_id, text))
        return fresh

    def status(self, project_id: str) -> QueryStatus:
        """The project's last question."""
        with self._lock:
            return self._asked.get(project_id, QueryStatus())

    def wait(self, project_id: str, timeout: float) -> QueryStatus:
        """Until the last question is answered, or `timeout` seconds have passed."""
        with self._news:
            self._news.wait_for(lambda: self.status(project_id).state != "working" or self._closed.is_set(), timeout)
            return self.status(project_id)

    def set_threshold(self, project_id: str, threshold: float) -> QueryStatus:
        """Another threshold: the regions are found again in the background."""
        status = self.status(project_id)
        if status.answer is None:
            raise BadRequest("There is no answer yet: ask something first.")
        threshold = float(np.clip(threshold, 0.0, 1.0))
        fresh = self._put(project_id, threshold=threshold)
        answer = status.answer

        def wanted() -> bool:
            now = self.status(project_id)
            return now.answer is answer and now.threshold == threshold

        def find() -> None:
            if wanted():
                regions = self._regions(project_id, answer, threshold)
                if wanted():
                    self._put(project_id, regions=regions)

        self._submit(find, self._failed(project_id, status.text))
        return fresh

    def show_heat(self, project_id: str, shown: bool) -> None:
        """Show the answer's heat map, or no longer; the places stay."""
        self._put(project_id, heat=shown)

    def heat(self, project_id: str) -> tuple[str, npt.NDArray[np.uint8]] | None:
        """(name, (H, W) 0 … 254, 255 = invalid) of the answer that is shown; None when there is none."""
        status = self.status(project_id)
        if status.answer is None:
            return None
        values = status.answer.map
        scaled = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * 254).astype(np.uint8)
        scaled[~np.isfinite(values)] = 255
        return f"{id(status.answer):x}", scaled

    def propose(self, project_id: str, places: Sequence[int], per_region: int = 3) -> list[tuple[int, int]]:
        """Pixels (row, column) to label in some of the regions, up to `per_region` of each; not labelled ones only."""
        status = self.status(project_id)
        if status.answer is None:
            raise BadRequest("There is no answer yet: ask something first.")
        regions = [status.regions[k] for k in places if 0 <= k < len(status.regions)]
        taken = self._workspace.project(project_id).points
        return [p for p in candidates(status.answer, status.threshold, regions, per_region) if p not in taken]

    def add(self, project_id: str, class_id: str, pixels: Sequence[tuple[int, int]], actor: str = "") -> str:
        """Label proposed pixels as one action of the journal, which undo takes back.

        Raises LabelProblem, BadRequest.
        """
        project = self._workspace.project(project_id)
        info = project.schema.get(class_id)
        if info is None:
            raise BadRequest("Choose the class that these pixels are to have.")
        if not pixels:
            raise BadRequest("There is no pixel to add: choose regions, or lower the threshold.")
        said = self.status(project_id).text
        done = project.import_labels(
            [(row, col, info.name, None) for row, col in pixels], actor=actor, source=f"query “{said}”"
        )
        self._changed(project_id)
        return done

    def new_class(self, project_id: str, actor: str = "") -> str:
        """Id of a class named as the last question; made where the project has none of that name.

        Raises BadRequest, LabelProblem.
        """
        project, text = self._workspace.project(project_id), self.status(project_id).text
        if not text:
            raise BadRequest("There is no question yet that a class could be named after: ask something first.")
        name = (text[:1].upper() + text[1:])[:60]
        known = next((c.id for c in project.schema.classes if c.name.lower() == name.lower()), None)
        return known or project.add_class(name, actor=actor).id

    # ── the work ────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Stop what is being worked on."""
        self._closed.set()
        self.class_words.close()
        with self._news:
            self._news.notify_all()
            if self._worker is not None:
                self._worker.shutdown(wait=False, cancel_futures=True)

    def _answer(self, project_id: str, text: str, engine: str, started: float) -> None:
        def still() -> bool:
            return self.status(project_id).text == text and self.status(project_id).engine == engine

        if not still():
            return
        say = self._reporter(project_id)
        if engine == DESCRIBED:
            matcher = self._matcher(self._workspace.scene_of(project_id), say)
            say("Comparing", 0.95)
            answer = ask_described(matcher, text, others=self._workspace.project(project_id).schema.names)
        else:
            answer = self._ask_model(project_id, text, engine.removeprefix("model:"), say)
        if not still():
            return  # another question has come since
        self._put(
            project_id, answer=answer, threshold=answer.threshold, progress=Progress("Looking at the best places")
        )
        regions = self._regions(project_id, answer, answer.threshold)
        if self.status(project_id).answer is answer:
            self._put(project_id, state="done", regions=regions, progress=None, seconds=time.perf_counter() - started)

    def _ask_model(self, project_id: str, text: str, model_id: str, say: Callable[[str, float], None]) -> Answer:
        scene = self._workspace.scene_of(project_id).without_reference()
        info = self._models.get(model_id)
        key = f"{model_id}@{scene.id}@{info.modified}"
        with self._lock:
            kept = self._spaces if self._spaces is not None and self._spaces[0] == key else None
        if kept is None:
            say("Loading the model", 0.0)
            with self._models.use(model_id, project_id) as fitted:
                made = open_space(fitted, scene, self._open_encoder, lambda d: say("Reading the scene as the model", d))
            kept = (key, made, not isinstance(made, ClassSpace))
            with self._lock:
                self._spaces = kept
        known = [c.name for c in info.facts.classes] if info.facts is not None else []
        answer = ask_model(kept[1], info.title, text, known)
        if not kept[2]:
            note = "This model's text side takes no new words: its classes share the query by how alike they sound."
            answer = replace(answer, notes=(note, *answer.notes))
        return answer

    def _regions(self, project_id: str, answer: Answer, threshold: float) -> tuple[Region, ...]:
        scene = self._workspace.scene_of(project_id)
        with self._lock:
            matcher = self._matchers.get(scene.id)
        return tuple(
            top_regions(
                answer, threshold, self.descriptions.facts_on(scene), matcher if answer.score is not None else None
            )
        )

    def _matcher(self, scene: Scene, say: Callable[[str, float], None]) -> Matcher:
        with self._lock:
            kept = self._matchers.get(scene.id)
            if kept is not None:
                self._matchers.move_to_end(scene.id)
                return kept
        words = graded_superpixels(
            self.descriptions.facts_on(scene), lambda done: say("Measuring the scene, once", 0.8 * done)
        )
        say("Opening the sentence encoder", 0.85)
        encoder = self._open_encoder("minilm")
        say("Making the materials as this sensor sees them, once", 0.9)
        spectral = spectral_words(self.descriptions.facts_on(scene), words.index, encoder.encode)
        made = Matcher(words, encoder, spectral)
        with self._lock:
            self._matchers[scene.id] = made
            while len(self._matchers) > KEPT:
                self._matchers.popitem(last=False)
        return made

    def encode(self) -> Encode:
        """The sentence encoder of the described pixels. Raises ModelMissing, CorruptFile."""
        return self._open_encoder("minilm").encode

    def _open_encoder(self, spec: str) -> TextEncoder:
        if spec != "minilm":
            check_allowed(spec)  # it may come from the file of a model
            return get_encoder(spec, self._workspace.cache_folder)
        with self._lock:
            if self._encoder is None:
                self._encoder = get_encoder("minilm", self._workspace.cache_folder)
            return self._encoder

    def _reporter(self, project_id: str) -> Callable[[str, float], None]:
        def say(message: str, done: float) -> None:
            self._check()
            self._put(project_id, progress=Progress(message, done, 1.0))

        return say

    def _check(self) -> None:
        if self._closed.is_set():
            raise Cancelled("Stopped.")

    def _put(self, project_id: str, **changes: Any) -> QueryStatus:
        with self._news:
            old = self._asked.get(project_id, QueryStatus())
            fresh = replace(old, serial=old.serial + 1, **changes)
            self._asked[project_id] = fresh
            self._news.notify_all()
            return fresh

    def _failed(self, project_id: str, text: str) -> Callable[[str], None]:
        def failed(message: str) -> None:
            if self.status(project_id).text == text:
                self._put(project_id, state="failed", progress=None, error=message)

        return failed

    def _submit(self, work: Callable[[], None], failed: Callable[[str], None]) -> None:
        def run() -> None:
            try:
                work()
            except Cancelled:
                failed("Stopped.")
            except StudioError as error:
                failed(str(error))
            except Exception as error:
                failed(f"This could not be answered. {sentence(error)}")

        with self._lock:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="queries")
            self._worker.submit(run)
