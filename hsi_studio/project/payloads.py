"""What a journal line may hold, type by type: exact kinds and bounds, checked before anything is made of it.

A row is a whole number and nothing that could be taken for one ("12", 12.0, true): whoever writes a journal writes it
so, and a guess here would put a label somewhere else. Unknown names are left out, so that lines of a newer version can
be told by their type alone. What a value means (does the class exist, is the pixel in the scene) is asked in
`events.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hsi_studio.stored import Count, Stored, Whole, validated

Id = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(max_length=1_000_000)]  # how long a name or a sentence may be: `sanitize`, `prompt_sets.py`
Sentences = Annotated[tuple[Text, ...], Field(max_length=100_000)]
MOST_CLASSES = 10_000


class Line(Stored):
    """One line of a journal."""

    seq: Annotated[int, Field(strict=True, ge=1, le=2**53)]
    time: Annotated[str, Field(max_length=64)]
    actor: Annotated[str, Field(max_length=500)]
    type: Annotated[str, Field(min_length=1, max_length=64)]
    payload: dict[str, Any]


class ClassLine(Stored):
    """A class as project.json and journals hold it."""

    id: Id
    name: Text
    color: Annotated[str, Field(max_length=32)]
    reference_value: Whole | None = None


class ClassId(Stored):
    id: Id


class Rename(ClassId):
    name: Text


class Recolour(ClassId):
    color: Annotated[str, Field(max_length=32)]


class Move(ClassId):
    position: Whole


class ClassList(Stored):
    classes: Annotated[tuple[ClassLine, ...], Field(max_length=MOST_CLASSES)]


class Pixel(Stored):
    row: Whole
    col: Whole


class AddPoint(Pixel):
    class_: Id = Field(alias="class")


class Import(Stored):
    points: tuple[tuple[Whole, Whole, Id], ...]
    classes: Annotated[tuple[ClassLine, ...], Field(max_length=MOST_CLASSES)] = ()
    instead: bool = False


class SetPrompt(ClassId):
    sentences: Sentences


class PromptSet(Stored):
    set: Annotated[str, Field(max_length=200)]
    name: Text = ""
    language: Annotated[str, Field(max_length=200)] = ""
    origin: Text = ""


class CreatePromptSet(PromptSet):
    name: Text
    sentences: Annotated[dict[Id, Sentences], Field(max_length=MOST_CLASSES, default_factory=dict)]


class EditPromptSet(Stored):
    set: Annotated[str, Field(max_length=200)]
    sentences: Annotated[dict[Id, Sentences], Field(max_length=MOST_CLASSES)]
    why: Text = ""


class Bands(Stored):
    left_out: Annotated[tuple[Count, ...], Field(max_length=100_000)]


class RegionList(Stored):
    regions: Annotated[
        tuple[Annotated[tuple[tuple[float, float], ...], Field(min_length=3, max_length=5000)], ...],
        Field(max_length=200),
    ]


class Step(Stored):
    target: Count | None = None


class Nothing(Stored):
    pass


PAYLOADS: dict[str, type[Stored]] = {
    "add_class": ClassLine,
    "rename_class": Rename,
    "recolour_class": Recolour,
    "move_class": Move,
    "delete_class": ClassId,
    "set_classes": ClassList,
    "add_point": AddPoint,
    "remove_point": Pixel,
    "import_labels": Import,
    "clear": Nothing,
    "set_bands": Bands,
    "set_regions": RegionList,
    "set_prompt": SetPrompt,
    "create_prompt_set": CreatePromptSet,
    "update_prompt_set": PromptSet,
    "delete_prompt_set": PromptSet,
    "edit_prompt_set": EditPromptSet,
    "undo": Step,
    "redo": Step,
    "lost": Nothing,
}


def check_payload(kind: str, payload: Any) -> None:
    """Raises ValueError, which names the value."""
    validated(PAYLOADS.get(kind, Nothing), payload)
