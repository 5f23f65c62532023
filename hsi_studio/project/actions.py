"""What one can do to a project's classes, labels, bands and regions: each is on disk when its method returns.

Every action is one line of the journal; `store.Project` writes it and keeps what it leads to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from hsi_studio.errors import LabelProblem
from hsi_studio.io.meaning_colors import color_for
from hsi_studio.project.events import Change, State
from hsi_studio.project.many_at_once import classes_of_list, labels_of_names
from hsi_studio.sanitize import clean_text
from hsi_studio.types import BoolArray, ClassInfo, ClassSchema


class Actions(ABC):
    """The actions of a project, on what a project provides."""

    _state: State

    @property
    @abstractmethod
    def schema(self) -> ClassSchema:
        """Its classes now."""

    @property
    @abstractmethod
    def held(self) -> BoolArray | None:
        """(H, W) pixels inside hold-out regions; None without any."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Nobody else writes to the project meanwhile."""

    @abstractmethod
    def _do(self, kind: str, payload: dict[str, Any], actor: str) -> Change:
        """One action, into the journal and then into the state. Raises LabelProblem, FileProblem."""

    @abstractmethod
    def _may_label(self, row: int, col: int) -> bool:
        """Whether a label may be there; True of places outside the scene, which are refused elsewhere."""

    @abstractmethod
    def _check_data(self, row: int, col: int) -> None:
        """Raises LabelProblem for a pixel without data."""

    def add_class(
        self, name: str, color: str | None = None, reference_value: int | None = None, actor: str = ""
    ) -> ClassInfo:
        """Append a class; without a colour it takes the palette's next. Raises LabelProblem."""
        with self.writing():
            info = ClassInfo.new(name, color or color_for(name, self.schema.colors), reference_value)
            self._do("add_class", info.to_json(), actor)
            return self._state.info(info.id)

    def rename_class(self, class_id: str, name: str, actor: str = "") -> None:
        """Raises LabelProblem: no such class, or another one has the name."""
        self._do("rename_class", {"id": class_id, "name": name}, actor)

    def recolour_class(self, class_id: str, color: str, actor: str = "") -> None:
        """`color` is "#rrggbb". Raises LabelProblem."""
        self._do("recolour_class", {"id": class_id, "color": color}, actor)

    def move_class(self, class_id: str, position: int, actor: str = "") -> None:
        """To a position in the list, from 0; positions past the ends are the ends."""
        self._do("move_class", {"id": class_id, "position": int(position)}, actor)

    def delete_class(self, class_id: str, actor: str = "") -> None:
        """With its labels and sentences; undo brings all back. Raises LabelProblem."""
        self._do("delete_class", {"id": class_id}, actor)

    def set_classes(self, text: str, actor: str = "") -> str:
        """Make the class list what `text` says (one name a line, "#rrggbb" after a comma or tab).

        Classes whose name stays keep their id, labels and (without a new one) colour; the others go, with
        their labels. Returns what was done, for the user. Raises LabelProblem with the line number.
        """
        with self.writing():
            classes = classes_of_list(text, self.schema)
            return self._do("set_classes", {"classes": classes}, actor).text

    def add_point(self, row: int, col: int, class_id: str, actor: str = "") -> None:
        """Label a pixel; one that has another label is relabelled. Raises LabelProblem."""
        with self.writing():
            self._check_data(row, col)
            self._do("add_point", {"row": int(row), "col": int(col), "class": class_id}, actor)

    def remove_point(self, row: int, col: int, actor: str = "") -> None:
        """Raises LabelProblem when the pixel has no label."""
        self._do("remove_point", {"row": int(row), "col": int(col)}, actor)

    def toggle_point(self, row: int, col: int, class_id: str, actor: str = "") -> None:
        """A click: label the pixel, relabel it, or take the label away when it is this class's. Raises LabelProblem."""
        with self.writing():
            point = self._state.points.get((int(row), int(col)))
            if point is not None and point.class_id == class_id:
                self.remove_point(row, col, actor)
            else:
                self.add_point(row, col, class_id, actor)

    def import_labels(
        self,
        points: Iterable[tuple[int, int, str, str | None]],
        actor: str = "",
        source: str = "",
        instead: bool = False,
    ) -> str:
        """Add (row, column, class name, colour or None) at once; unknown names become classes.

        Labelled pixels take the imported label; how many had one is counted in the returned sentence. Classes that
        exist keep their colour. Points without data are left out and counted there too. `instead`: the project's other
        labels go, in the same action. Raises LabelProblem; then nothing is imported.
        """
        with self.writing():
            found, new, no_data = labels_of_names(points, self.schema, self._may_label)
            if not found and not no_data:
                raise LabelProblem("There is no label to import. Choose a file with rows, columns and classes.")
            payload = {"points": found, "classes": [info.to_json() for info in new], "source": clean_text(source)}
            payload |= {"instead": True} if instead else {}
            mine, wanted = self._state.points, {(row, col): class_id for row, col, class_id in found}
            had = [mine[pixel].class_id == class_id for pixel, class_id in wanted.items() if pixel in mine]
            text = self._do("import_labels", payload, actor).text
            if not instead and any(had):
                text += f"; {sum(had)} of them you had already"
            if not instead and not all(had):
                text += f"; {len(had) - sum(had)} of them in place of a label of another class"
            if no_data:
                where = "without data" if self.held is None else "without data or in hold-out regions"
                text += f"; {no_data} on pixels {where} left out"
            return text

    def clear(self, actor: str = "") -> None:
        """Remove all labels (classes stay); undo brings them back."""
        self._do("clear", {}, actor)

    def set_bands(self, left_out: Iterable[int], actor: str = "") -> str:
        """Do without these bands (from 0) and no others; undo takes it back. Returns what was done."""
        return self._do("set_bands", {"left_out": sorted({int(band) for band in left_out})}, actor).text

    def set_regions(self, regions: Iterable[Sequence[tuple[float, float]]], actor: str = "") -> str:
        """Hold out these regions and no others; labels inside go, undo takes it back. Returns what was done. Raises
        LabelProblem for a polygon without a pixel."""
        value = [[[float(row), float(col)] for row, col in corners] for corners in regions]
        return self._do("set_regions", {"regions": value}, actor).text

    def set_prompt(self, class_id: str, sentences: Sequence[str], actor: str = "") -> None:
        """Describe a class in the project's own set, "My words"; none = its name is used. Raises LabelProblem."""
        self._do("set_prompt", {"id": class_id, "sentences": list(sentences)}, actor)
