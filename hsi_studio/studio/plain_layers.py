"""Layers that are no class map: the picture under the maps, and the answer to the last question over them.

>>> studio.exports.plain(project.id, "picture:cir", Path("picture.tif"))
>>> studio.exports.plain(project.id, "query", Path("water.tif"))

They have neither classes nor an accuracy: they are listed with the maps and have rows in the bar over the picture, but
what is *shown* (`displayed_map.py`) stays a map. How much of them is seen is the page's, like the maps' opacity.

An answer is kept as long as the program runs (`queries.py`). It is listed until its heat map is taken away, and so not
when a project is opened again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hsi_studio.errors import BadRequest
from hsi_studio.features.composite import Compositor, default_composite
from hsi_studio.features.stretch import Stretch, parse
from hsi_studio.sanitize import clean_text
from hsi_studio.studio.layers import PICTURE, QUERY, Layer, layer_id
from hsi_studio.studio.queries import Queries
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Scene

LONGEST = 60  # signs of a question that stand in a layer's title
BLOCK_VALUES = 16_000_000  # of a picture, rendered at a time


class PictureLayer:
    """The scene in colours, as the page shows it under the maps; an item is a composite ("cir", "grey:650")."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def listed(self, project_id: str) -> list[Layer]:
        self._workspace.scene_of(project_id)
        return [Layer(PICTURE, "Picture")]

    def write(self, project_id: str, item: str, path: Path, stretch: str = "") -> Path:
        """`item` "" = true colour, or what is nearest to it; `stretch` "" = 2-98 %. Raises BadRequest, FileProblem."""
        from hsi_studio.io.plain_rasters import export_picture_geotiff, export_rgba_png, thinned

        scene, kind = self._workspace.scene_of(project_id), ending(path, "the picture")
        composite, tone, compositor = item or default_composite(scene), parse(stretch or str(Stretch())), Compositor()
        height, width, _ = scene.shape
        if kind == ".png":
            step = thinned(height, width)
            whole = compositor.render(scene, composite, slice(0, height), slice(0, width), tone, step)
            return export_rgba_png(whole, path)
        tags = {"layer": layer_id(PICTURE, item), "composite": composite, "stretch": str(tone)}
        blocks = (
            (rows, slice(0, width), compositor.render(scene, composite, rows, slice(0, width), tone))
            for rows in _rows(scene)
        )
        return export_picture_geotiff(scene, path, blocks, tags)


class QueryLayer:
    """How alike every pixel is to what was asked last, 0 to 1."""

    def __init__(self, workspace: Workspace, queries: Queries) -> None:
        self._workspace, self._queries = workspace, queries

    def listed(self, project_id: str) -> list[Layer]:
        status = self._queries.status(project_id)
        if status.answer is None or not status.heat:
            return []
        return [Layer(QUERY, query_title(status.answer.text))]

    def write(self, project_id: str, item: str, path: Path, stretch: str = "") -> Path:
        """Raises BadRequest (nothing was asked), FileProblem."""
        from hsi_studio.io.plain_rasters import export_rgba_png, export_values_geotiff, heat_colours, thinned

        scene, kind, status = (
            self._workspace.scene_of(project_id),
            ending(path, "the answer to a question"),
            self._queries.status(project_id),
        )
        answer = status.answer
        if item or answer is None:
            raise BadRequest(
                "There is no answer to a question: ask one first (step Words, or studio.queries.ask). Answers are kept "
                "only while the program runs."
            )
        if kind == ".png":
            step = thinned(*scene.shape[:2])
            return export_rgba_png(heat_colours(answer.map[::step, ::step], status.threshold), path)
        text = clean_text(answer.text)
        tags = {"layer": QUERY, "query": text, "engine": answer.engine, "threshold": f"{status.threshold:.3f}"}
        return export_values_geotiff(answer.map, scene, path, f"how alike to “{text}”, 0 to 1", tags)


def query_title(text: str) -> str:
    """ "Query: water"; a long question is cut."""
    text = clean_text(text)
    return f"Query: {text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + '…'}"


def ending(path: Path, what: str) -> str:
    """ ".tif" or ".png". Raises BadRequest for others."""
    found = {".tif": ".tif", ".tiff": ".tif", ".png": ".png"}.get(path.suffix.lower())
    if found is None:
        raise BadRequest(f"{path.name}: {what} is written as .tif or .png. Give the file one of these endings.")
    return found


def _rows(scene: Scene) -> Iterator[slice]:
    """The scene in bands of rows."""
    height, width, _ = scene.shape
    step = max(1, BLOCK_VALUES // max(4 * width, 1))
    return (slice(top, min(top + step, height)) for top in range(0, height, step))
