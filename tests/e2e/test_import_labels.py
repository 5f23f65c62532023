"""Labels of other programs in a real browser: the parts of a shapefile dropped together, the class asked for, undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from hsi_studio import Studio
from tests.e2e.running import RunningApp, wait_ready
from tests.e2e.test_compare import open_tab
from tests.io.label_files.places import box, point
from tests.io.label_files.test_vectors import vector
from tests.project.small import UTM

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """A project on a scene of 12 × 16 pixels with a place, without labels."""
    cube = np.random.default_rng(0).integers(100, 4000, (8, 12, 16)).astype("i2")
    profile = {"driver": "GTiff", "height": 12, "width": 16, "count": 8, "dtype": "int16"}
    file = tmp_path / "field.tif"
    with rasterio.open(file, "w", transform=rasterio.Affine(*UTM), crs=CRS.from_epsg(32616), **profile) as target:
        target.write(cube)
    studio = Studio(home=tmp_path / "app", data_root=tmp_path)
    studio.new_project(str(file), title="Field")
    studio.close()
    with RunningApp(tmp_path / "app") as running:
        yield running


def shapefile(folder: Path) -> list[str]:
    shapes = [box((1, 4), (1, 5)), box((7, 9), (8, 13)), box((4, 5), (4, 6)), point(50, 1).buffer(3)]
    columns = {"level_1": ["Pflanzen", "Wasser", "Pflanzen", "Wasser"], "level_2": ["Wald", "See", "Wiese", "See"]}
    path = vector(folder / "areas.shp", shapes, columns, "EPSG:32616")
    return [str(part) for part in sorted(path.parent.glob("areas.*"))]


def test_a_shapefile_is_dropped_looked_at_and_added(browser: Any, app: RunningApp, tmp_path: Path) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(app.url)
    wait_ready(page)
    open_tab(page, "Label")
    page.get_by_role("button", name="Labels from a file").click()  # where one looks for them; it leads to the step Map
    page.locator("#hsi-import").wait_for()
    page.locator("#hsi-import input[type=file]").set_input_files(shapefile(tmp_path))
    report = page.locator("#hsi-import-report")
    report.get_by_text("not clear which attribute is the class").wait_for()
    assert page.locator("#hsi-import-add").is_hidden()

    field = page.locator("#hsi-import-attribute input")
    field.click()
    page.get_by_role("option", name="level_2").click()
    add = page.locator("#hsi-import-add")
    add.wait_for()
    report.get_by_text("two classes; the last one counts").wait_for()
    assert "Add 42 labels" in add.inner_text()
    assert report.get_by_text("1 of 4 features is left out, outside the scene").is_visible()

    add.click()
    add.wait_for(state="hidden")
    (event,) = app.journal()
    assert event["type"] == "import_labels"
    assert event["payload"]["source"] == "areas.shp"
    assert len(event["payload"]["points"]) == 42
