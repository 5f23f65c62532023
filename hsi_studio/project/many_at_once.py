"""What a pasted list of classes and imported labels come to, before they are one action of the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hsi_studio.io.meaning_colors import color_for, colors_for
from hsi_studio.sanitize import clean_color, clean_name, parse_class_list, same_name
from hsi_studio.types import ClassInfo, ClassSchema


def classes_of_list(text: str, schema: ClassSchema) -> list[dict[str, Any]]:
    """The classes that `text` says (one name a line, "#rrggbb" after a comma or tab), as the journal has them.

    Classes of `schema` whose name stays keep their id and (without a new one) colour. Raises LabelProblem with the line
    number.
    """
    wanted = parse_class_list(text)
    kept = {name: next((info for info in schema.classes if same_name(info.name, name)), None) for name, _ in wanted}
    used = [color for _, color in wanted if color] + [info.color for info in kept.values() if info]
    fresh = iter(colors_for([name for name, color in wanted if color is None and kept[name] is None], used))
    classes = []
    for name, color in wanted:
        old = kept[name]
        chosen = color or (old.color if old else next(fresh))
        info = ClassInfo(old.id, name, chosen, old.reference_value) if old else ClassInfo.new(name, chosen)
        classes.append(info.to_json())
    return classes


def labels_of_names(
    points: Iterable[tuple[int, int, str, str | None]], schema: ClassSchema, has_data: Callable[[int, int], bool]
) -> tuple[list[list[Any]], list[ClassInfo], int]:
    """(labels [row, column, class id], classes that are new, number of points without data).

    `points`: (row, column, class name, colour or None). Raises LabelProblem for what is no name or colour.
    """
    by_name = {info.name.casefold(): info for info in schema.classes}
    new: list[ClassInfo] = []
    found: list[list[Any]] = []
    no_data = 0
    for row, col, name, color in points:
        name = clean_name(name)
        if not has_data(row, col):
            no_data += 1
            continue
        info = by_name.get(name.casefold())
        if info is None:
            used = [*schema.colors, *(other.color for other in new)]
            info = ClassInfo.new(name, clean_color(color) if color else color_for(name, used))
            by_name[name.casefold()] = info
            new.append(info)
        found.append([int(row), int(col), info.id])
    return found, new, no_data
