"""`studio.queries.class_words`: what names of classes mean on a scene, for a live map that starts from them.

Found out behind the page, once for each scene and list of names: whoever asks before it is known gets None, and the
project is told (`known`) when it is. The thread is that of `queries`.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from hsi_studio.engine.query.matcher import Matcher
from hsi_studio.engine.query.zero_shot import word_probabilities
from hsi_studio.methods.contract import WordPosteriors
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.materials.names import meant
from hsi_studio.text.prompts import readable
from hsi_studio.types import Scene

log = logging.getLogger(__name__)

LEAST_NAMES = 3  # class names that mean a material; fewer cannot be tested against labels
KEPT = 3  # scenes, each with a list of names

Key = tuple[str, tuple[str, ...]]  # scene id, names of all its classes


class ClassWords(Subject):
    """Safe to call from many threads.

    `matcher(scene, say)` measures a scene's words; `submit(work, failed)` runs work on the thread of the questions;
    `check()` raises Cancelled when the program ends; `known(project_id)` is told that names are understood.
    """

    def __init__(
        self,
        workspace: Workspace,
        matcher: Callable[[Scene, Callable[[str, float], None]], Matcher],
        submit: Callable[[Callable[[], None], Callable[[str], None]], None],
        check: Callable[[], None],
        known: Callable[[str], None],
    ) -> None:
        self._workspace, self._matcher, self._submit = workspace, matcher, submit
        self._check, self._tell = check, known
        self._found: OrderedDict[Key, WordPosteriors | None] = OrderedDict()
        self._learning: set[Key] = set()
        self._news = threading.Condition(threading.RLock())
        self._closed = False

    def get(self, project_id: str, scene: Scene, names: tuple[str, ...]) -> WordPosteriors | None:
        """None while it is being found out, and where fewer than three of the names are those of materials.

        The names of the whole project are compared with each other; those asked for share what is theirs.
        """
        if self._closed or sum(bool(meant(name).parts) for name in names) < LEAST_NAMES:
            return None
        every = tuple(self._workspace.project(project_id).schema.names)
        key = (scene.id, every)
        with self._news:
            if key not in self._found:
                self._found[key] = None
                while len(self._found) > KEPT:
                    self._found.popitem(last=False)
                self._learning.add(key)
                self._submit(lambda: self._learn(project_id, key), lambda message: log.info("%s", message))
            known = self._found[key]
        if known is None:
            return None
        at = [(names.index(every[k]), column) for column, k in enumerate(known.kept) if every[k] in names]
        if len(at) < LEAST_NAMES:
            return None
        chosen = known.probability[:, [column for _, column in at]]
        total = chosen.sum(axis=1, keepdims=True)
        share = np.where(total > 1e-6, chosen / np.maximum(total, 1e-6), 1.0 / len(at)).astype(np.float32)
        return WordPosteriors(known.index, share, tuple(k for k, _ in at), f"{known.stamp} {names}")

    def wait(self, project_id: str, timeout: float) -> bool:
        """Whether it is known what the project's class names mean; waits where that is being found out."""
        key = self._workspace.scene_of(project_id).id, tuple(self._workspace.project(project_id).schema.names)
        with self._news:
            self._news.wait_for(lambda: key not in self._learning or self._closed, max(timeout, 0.0))
            return self._found.get(key) is not None

    def close(self) -> None:
        """Nobody waits any more."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _learn(self, project_id: str, key: Key) -> None:
        try:
            self._find(project_id, key)
        finally:
            with self._news:
                self._learning.discard(key)
                self._news.notify_all()

    def _find(self, project_id: str, key: Key) -> None:
        matcher = self._matcher(self._workspace.scene_of(project_id), lambda message, done: self._check())
        schema = self._workspace.project(project_id).schema
        if tuple(schema.names) != key[1]:
            return  # they have changed since, and are asked for again
        texts = {info.id: [readable(info.name)] for info in schema.classes}
        probability, kept, index, _ = word_probabilities(matcher, schema, texts, matcher.spectral)
        with self._news:
            self._found[key] = WordPosteriors(index, probability, tuple(int(k) for k in kept), f"{key}")
        self._tell(project_id)
