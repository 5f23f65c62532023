"""The picture and the answer to a question: layers that are listed and exported, and never stand in a map's place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.engine.query.matcher import Answer
from hsi_studio.errors import BadRequest
from hsi_studio.features.composite import Compositor, default_composite
from hsi_studio.features.stretch import parse
from hsi_studio.project.store import Project
from hsi_studio.studio.layers import KINDS
from hsi_studio.studio.plain_layers import query_title
from tests.project.small import UTM
from tests.studio.test_bundle import in_place


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project]]:
    folder = tmp_path_factory.mktemp("plain")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    project = in_place(folder / "data", studio)
    studio.displayed.find(project.id, "live")
    yield studio, project
    studio.close()


def ask(studio: Studio, project: Project, text: str = "water") -> np.ndarray:
    """An answer as the work leaves it: left to right from 0 to 1, the first row without data."""
    height, width, _ = studio.scene_of(project.id).shape
    values = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width)).copy()
    values[0] = np.nan
    studio.queries._put(
        project.id, state="done", text=text, answer=Answer(text, "described", values, 0.5, 0.1), heat=True
    )
    return values


def listed(studio: Studio, project: Project) -> list[tuple[str, str, str]]:
    return [(layer.kind, layer.id, layer.title) for layer in studio.displayed.layers(project.id)]


def test_both_are_layers_with_a_kind_an_id_that_stays_and_a_name(made: tuple[Studio, Project]) -> None:
    studio, project = made
    maps = [("live", "live", "Map of your labels"), ("reference", "reference", "Reference")]
    assert listed(studio, project) == [*maps, ("picture", "picture", "Picture")]
    ask(studio, project)
    assert listed(studio, project) == [*maps, ("query", "query", "Query: water"), ("picture", "picture", "Picture")]
    ask(studio, project, "dry straw")
    assert ("query", "query", "Query: dry straw") in listed(studio, project)
    studio.queries.show_heat(project.id, False)  # taken away, as when a project is opened again
    assert listed(studio, project) == [*maps, ("picture", "picture", "Picture")]
    assert [layer.is_map for layer in studio.displayed.layers(project.id)] == [True, True, False]
    assert [layer.id for layer in studio.displayed.maps(project.id)] == ["live", "reference"]


def test_every_kind_that_the_page_knows_has_a_name() -> None:
    kinds = ["picture", "reference", "live", "run", "model", "words", "query", "comparison"]
    assert set(KINDS.values()) == {*kinds, "imported map", "edited map"}
    long = query_title("a very long question about everything that could ever be seen in this picture")
    assert long.startswith("Query: a very long question")
    assert long.endswith("…")
    assert len(long) <= 67


def test_what_is_shown_stays_a_map(made: tuple[Studio, Project]) -> None:
    studio, project = made
    ask(studio, project)
    before = studio.displayed.stamp(project.id)
    for layer in ("picture", "query"):
        for attempt in (
            lambda: studio.displayed.show(project.id, layer),  # noqa: B023
            lambda: studio.displayed.show_beside(project.id, layer),  # noqa: B023
            lambda: studio.displayed.find(project.id, layer),  # noqa: B023
            lambda: studio.evidence.compare(project.id, "live", layer),  # noqa: B023
            lambda: studio.evidence.areas(project.id, layer),  # noqa: B023
            lambda: studio.certify.draw(project.id, layer, 0.1),  # noqa: B023
            lambda: studio.edits.add(project.id, "majority=1", layer),  # noqa: B023
            lambda: studio.export(project.id, which=layer),  # noqa: B023
        ):
            with pytest.raises(BadRequest, match=rf"“{layer}” is no class map.*--layer {layer} --out"):
                attempt()
    assert studio.displayed.stamp(project.id) == before
    assert studio.displayed.chosen(project.id) == ("live", "")


def test_an_answer_is_exported_in_its_place_with_what_was_asked(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    values = ask(studio, project, "water, not deep")
    file = studio.exports.plain(project.id, "query", tmp_path / "water.tif")
    with rasterio.open(file) as tiff:
        np.testing.assert_array_equal(tiff.read(1), values)
        assert np.isnan(tiff.nodata)
        assert tiff.transform == rasterio.Affine(*UTM)
        assert tiff.crs.to_epsg() == 32616
        tags = tiff.tags()
        assert (tags["query"], tags["engine"], tags["threshold"]) == ("water, not deep", "described", "0.500")
        assert tiff.descriptions[0] == "how alike to “water, not deep”, 0 to 1"
    rgba = np.asarray(Image.open(studio.exports.plain(project.id, "query", tmp_path / "water.png")))
    assert rgba.shape == (*values.shape, 4)
    assert (rgba[0, :, 3] == 0).all()  # no data
    assert (rgba[1, values[1] >= 0.5, 3] == 215).all()
    assert (rgba[1, values[1] < 0.5, 3] <= 60).all()


@pytest.mark.parametrize("composite", ["", "custom:1,2,3", "pca"])
def test_the_picture_is_exported_as_it_is_seen(made: tuple[Studio, Project], tmp_path: Path, composite: str) -> None:
    studio, project = made
    scene, layer = studio.scene_of(project.id), f"picture:{composite}" if composite else "picture"
    height, width, _ = scene.shape
    seen = Compositor().render(
        scene, composite or default_composite(scene), slice(0, height), slice(0, width), parse("5-95")
    )
    with rasterio.open(studio.exports.plain(project.id, layer, tmp_path / "p.tif", "5-95")) as tiff:
        np.testing.assert_array_equal(np.moveaxis(tiff.read(), 0, 2), seen)
        assert tiff.transform == rasterio.Affine(*UTM)
        assert tiff.colorinterp[3] == rasterio.enums.ColorInterp.alpha
        assert tiff.tags()["stretch"] == "5-95"
        assert tiff.tags()["composite"] == (composite or default_composite(scene))
    image = Image.open(studio.exports.plain(project.id, layer, tmp_path / "p.png", "5-95"))
    np.testing.assert_array_equal(np.asarray(image), seen)


def test_what_cannot_be_written_says_what_can(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    with pytest.raises(BadRequest, match=r"the picture is written as \.tif or \.png"):
        studio.exports.plain(project.id, "picture", tmp_path / "picture.gpkg")
    with pytest.raises(BadRequest, match=r"“live” is a map: write it with studio\.exports\.file"):
        studio.exports.plain(project.id, "live", tmp_path / "live.tif")
    with pytest.raises(BadRequest):
        studio.exports.plain(project.id, "picture:nothing", tmp_path / "p.tif")
    studio.queries._put(project.id, answer=None)
    with pytest.raises(BadRequest, match="ask one first"):
        studio.exports.plain(project.id, "query", tmp_path / "q.tif")
    assert list(tmp_path.iterdir()) == []


def test_from_the_shell(
    made: tuple[Studio, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    studio, project = made
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    assert main(["export", project.id, "--layer", "picture", "--out", str(tmp_path / "picture.tif")]) == 0
    with rasterio.open(tmp_path / "picture.tif") as tiff:
        assert tiff.count == 4
    assert main(["export", project.id, "--layer", "query", "--out", str(tmp_path / "query.tif")]) == 2
    assert "ask one first" in capsys.readouterr().err
    assert main(["evidence", project.id, "--layer", "picture"]) == 2
    assert "is no class map" in capsys.readouterr().err
