"""Which trained models can be asked in words is told by their methods, whatever they are called."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from hsi_studio import Studio
from hsi_studio.methods import methods
from tests.engine.fake import FakeMethod
from tests.engine.wordy import WordyMethod
from tests.studio.models import labelled, scene_file, train


class OwnWords(WordyMethod):
    name: ClassVar[str] = "own_words"
    own_text_side: ClassVar[bool] = True


def test_models_of_methods_that_read_text_are_offered_with_what_they_can_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(tmp_path / "home")
    project = labelled(studio, scene_file(tmp_path / "data"))
    for number, method in enumerate((WordyMethod(), OwnWords(), FakeMethod())):
        monkeypatch.setitem(methods().entries, method.name, method)
        train(studio, project, f"20260101-12000{number}-abcdef", method.name)
    described, *models = studio.queries.engines(project.id)
    assert described.id == "described"
    notes = {engine.note for engine in models}
    assert len(models) == 2  # the one that reads no text is not offered
    assert notes == {"Answers in its classes only", "Its own text side: knows words near its classes"}
    studio.close()
