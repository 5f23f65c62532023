"""Drafts of a language model: what is refused before it is asked, and what an answer may not bring back or reveal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, LanguageModelProblem
from hsi_studio.project.store import Project
from hsi_studio.studio.class_measurements import Measurements
from hsi_studio.studio.prompt_drafts import Draft, Drafts
from hsi_studio.text.llm.description_task import MAX_SYSTEM
from hsi_studio.text.llm.protocol import Answer, Message
from tests.studio.models import labelled, scene_file


def line(name: str) -> str:
    sentence = f"The {name} field is a kind of ground that differs from the others in colour and texture."
    return json.dumps({"class": name, "sentences": [sentence]}) + "\n"


class Model:
    """Writes its pieces one after the other, each when `go` allows it."""

    name, place = "tiny", "this machine"

    def __init__(self, *pieces: str, cut: str = "", fault: Exception | None = None) -> None:
        self.pieces, self.cut, self.fault = pieces, cut, fault
        self.go, self.written = threading.Semaphore(0), threading.Semaphore(0)

    def write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int = 2000
    ) -> Answer:
        if self.fault is not None:
            raise self.fault
        for piece in self.pieces:
            assert self.go.acquire(timeout=60)
            on_text(piece)
            self.written.release()
        return Answer("".join(self.pieces), None, self.cut)

    def next(self) -> None:
        """Let it write one piece, and wait for it."""
        self.go.release()
        assert self.written.acquire(timeout=60)


@pytest.fixture
def drafts(studio: Studio) -> Drafts:
    return Drafts(studio.workspace, Measurements(studio.workspace))


def ended(drafts: Drafts, project: Project) -> Draft:
    """The draft when its thread is over."""
    for thread in threading.enumerate():
        if thread.name == "language model draft":
            thread.join(60)
    found = drafts.get(project.id)
    assert found is not None
    assert found.state != "writing"
    return found


def test_what_cannot_be_asked_is_refused_before_the_model_is(studio: Studio, project: Project, drafts: Drafts) -> None:
    drafts.writer = Model()
    with pytest.raises(BadRequest, match=f"{MAX_SYSTEM + 1} characters; {MAX_SYSTEM} are the most"):
        drafts.start(project.id, "x" * (MAX_SYSTEM + 1))
    for info in project.schema.classes:
        project.delete_class(info.id)
    with pytest.raises(BadRequest, match="no classes to describe"):
        drafts.start(project.id)
    assert drafts.get(project.id) is None


def test_a_proposal_that_was_turned_down_does_not_come_back(project: Project, drafts: Drafts) -> None:
    upper, lower = project.schema.classes
    model = drafts.writer = Model(line("upper"), line("lower"))
    drafts.start(project.id)
    model.next()
    now = drafts.get(project.id)
    assert now is not None
    assert [p.class_id for p in now.proposals] == [upper.id]  # there before the answer is whole
    drafts.settle(project.id, upper.id)
    model.next()
    assert [p.class_id for p in ended(drafts, project).proposals] == [lower.id]
    with pytest.raises(BadRequest, match="This proposal is gone"):
        drafts.checked(project.id, upper.id, ["anything"])
    again = drafts.writer = Model(line("upper"))
    drafts.start(project.id)  # asking again begins anew, for the class that was turned down too
    again.next()
    draft = ended(drafts, project)
    assert [p.class_id for p in draft.proposals] == [upper.id, lower.id]
    assert draft.notes[-1] == "Still from the answer before: lower."


def test_an_answer_that_fails_takes_nothing_away(project: Project, drafts: Drafts) -> None:
    model = drafts.writer = Model(line("upper"), line("lower"))
    drafts.start(project.id)
    model.next()
    model.next()
    before = ended(drafts, project).proposals
    drafts.writer = Model(fault=LanguageModelProblem("The server has a fault of its own (HTTP 500)."))
    drafts.start(project.id)
    draft = ended(drafts, project)
    assert (draft.state, draft.proposals) == ("failed", before)
    assert "HTTP 500" in draft.error
    drafts.settle(project.id, before[0].class_id)
    drafts.start(project.id)
    assert ended(drafts, project).proposals == before[1:]


def test_sentences_are_checked_as_the_user_left_them(project: Project, drafts: Drafts) -> None:
    upper = project.schema.classes[0]
    model = drafts.writer = Model(line("upper"))
    drafts.start(project.id)
    model.next()
    (proposal,) = ended(drafts, project).proposals
    (sentence,) = proposal.sentences
    assert drafts.checked(project.id, upper.id, [f"  {sentence} ", " "]) == (sentence,)
    with pytest.raises(LanguageModelProblem, match=r"upper: .*8 to 60 are asked for.* Change it here, or turn it down"):
        drafts.checked(project.id, upper.id, ["upper"])


def test_an_answer_that_is_not_whole_says_so(project: Project, drafts: Drafts) -> None:
    model = drafts.writer = Model(line("upper"), '{"class": "lo', cut="the limit of tokens was reached")
    drafts.start(project.id)
    model.next()
    model.next()
    draft = ended(drafts, project)
    assert draft.state == "done"
    assert draft.notes == (
        "The answer is not whole: the limit of tokens was reached.",
        "Nothing usable in the answer for: lower.",
    )


def test_a_fault_of_the_program_ends_the_draft_and_is_named(project: Project, drafts: Drafts) -> None:
    drafts.writer = Model(fault=RuntimeError("no such layer"))
    drafts.start(project.id)
    draft = ended(drafts, project)
    assert draft.state == "failed"
    assert draft.error.startswith("Asking the language model failed. Something went wrong in HSI Studio itself (error ")


def test_a_guest_sees_the_draft_of_the_shared_project_alone(
    studio: Studio, project: Project, drafts: Drafts, tmp_path: Path
) -> None:
    other = labelled(studio, scene_file(tmp_path / "data", "other", seed=1))
    for one in (project, other):
        model = drafts.writer = Model(line("upper"))
        drafts.start(one.id)
        model.next()
        ended(drafts, one)
    guest = Drafts(studio.workspace.guest(project.id), Measurements(studio.workspace))
    assert guest.get(project.id) is drafts.get(project.id)
    for forbidden in (guest.get, guest.cancel, guest.start):
        with pytest.raises(BadRequest, match="only one was shared"):
            forbidden(other.id)
