"""The user's moment, from a fresh start to an exported map, on the real scene in a real browser."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from scipy.io import savemat

from hsi_studio import Studio
from tests.e2e.running import (
    VIEWER,
    RunningApp,
    choose_class,
    click_pixel,
    open_tab,
    wait_journal,
    wait_map,
    wait_ready,
)
from tests.scene import fake
from tests.scene.sensors.test_products import ENMAP, dlr

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    with RunningApp(tmp_path / "app") as running:
        yield running


@pytest.fixture(scope="module")
def long_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One app for the tests that ask no fresh start of it: each has a project of its own, see `project`."""
    with RunningApp(tmp_path_factory.mktemp("first") / "app") as running:
        yield running


@pytest.fixture
def project(long_running: RunningApp) -> str:
    """A new project on Indian Pines, made beside the app as a script would."""
    studio = Studio(home=long_running.home)
    made = studio.new_project("indian_pines")
    studio.close()
    return made.id


@pytest.fixture
def own_page(browser: Any, long_running: RunningApp, project: str) -> Iterator[Any]:
    yield from page_at(browser, f"{long_running.url}/?project={project}")


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    yield from page_at(browser, app.url)


def page_at(browser: Any, address: str) -> Iterator[Any]:
    """The app's page; any console error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: problems.append(str(e)))
    opened.problems = problems
    opened.goto(address)
    wait_ready(opened)
    yield opened
    context.close()
    assert problems == []


@pytest.fixture
def start(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A page with nothing open."""
    with RunningApp(tmp_path / "app", ["--choose", "--data", str(tmp_path)]) as running:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        opened = context.new_page()
        problems: list[str] = []
        opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda e: problems.append(str(e)))
        opened.goto(running.url)
        opened.wait_for_selector("#hsi-opening[open] [data-scene=demo]", timeout=60_000)
        yield opened
        context.close()
        assert problems == []


def drop(page: Any, files: list[Path]) -> str:
    """Drop files on the page; what the sheet says when they have been looked at."""
    given = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    data = page.evaluate_handle(
        """(given) => {
          const data = new DataTransfer();
          for (const [name, text] of given) {
            data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
          }
          return data;
        }""",
        given,
    )
    for name in ("dragover", "drop"):
        page.dispatch_event("body", name, {"dataTransfer": data})
    return looked(page)


def looked(page: Any) -> str:
    page.wait_for_selector("#hsi-opening[open] .hsi-plan", timeout=60_000)
    page.wait_for_selector("#hsi-opening-card", state="hidden")
    return str(page.locator(".hsi-opening-content").inner_text())


def town(folder: Path) -> list[Path]:
    """An ENVI pair with a strip of undeclared fill, a surface model from south to north, and labels as a shapefile."""
    import pyogrio
    import shapely

    folder.mkdir()
    values = (20 * fake.cube(40, 30, 24)).astype("i2")
    values[:3] = -9999
    fake.envi(folder, values, name="town", extra="map info = {UTM, 1, 1, 500000, 5800000, 5, 5, 33, North, WGS-84}")
    model = {"driver": "GTiff", "height": 40, "width": 30, "count": 1, "dtype": "float32", "crs": "EPSG:32633"}
    place = rasterio.Affine(5, 0, 500000, 0, 5, 5800000 - 200)
    with rasterio.open(folder / "town_lidar.tif", "w", transform=place, **model) as file:
        file.write(np.arange(1200, dtype="f4").reshape(40, 30), 1)
    points = [shapely.Point(500000 + 5 * c + 2.5, 5800000 - 5 * r - 2.5) for r, c in ((10, 10), (20, 20), (30, 5))]
    names = np.array(["wood", "sand", "wood"], dtype=object)
    pyogrio.raw.write(
        str(folder / "training.shp"), geometry=shapely.to_wkb(np.array(points)), field_data=[names], fields=["class"],
        geometry_type="Point", crs="EPSG:32633", driver="ESRI Shapefile",
    )  # fmt: skip
    return sorted(folder.iterdir())


def test_dropped_files_are_shown_as_what_they_are_taken_for(start: Any, tmp_path: Path) -> None:
    page, projects = start, tmp_path / "app" / "projects"
    said = drop(page, town(tmp_path / "town"))
    assert "40 × 30 pixels, 24 bands" in said
    assert "-9999 is taken as “no data”" in said
    assert "turned upside down" in said
    assert page.get_by_label("What training.shp is").input_value() == "labels"
    page.locator("[data-key=nodata]").click()  # an answer is changed by a click
    page.get_by_label("No-data value").fill("none")
    page.get_by_label("No-data value").press("Enter")
    page.get_by_text("You say: every value is data.").wait_for()
    page.locator("[data-key=nodata]").click()
    page.get_by_label("No-data value").fill("")
    page.get_by_label("No-data value").press("Enter")
    page.get_by_text("-9999 is taken as “no data”").first.wait_for()
    assert not projects.exists()
    page.locator("#hsi-opening [data-part=open]").click()
    wait_ready(page)
    page.wait_for_function("document.querySelector('.hsi-classes-head').innerText.includes('3 labelled')")
    assert "surface model" in page.locator(".hsi-scene-facts").inner_text()

    savemat(tmp_path / "gt.mat", {"gt": np.ones((20, 16), "u1")})
    assert "no array with three axes" in drop(page, [tmp_path / "gt.mat"])
    page.locator("#hsi-opening [data-part=close]").click()

    (tmp_path / "product").mkdir()
    said = drop(page, sorted(dlr(tmp_path / "product", ENMAP).iterdir()))
    assert "Read as EnMAP: wavelengths and scale" in said
    assert "420 to 2200 nm" in said
    page.locator("#hsi-opening [data-part=close]").click()

    np.save(tmp_path / "zero.npy", np.zeros((12, 10, 60), "f4"))
    drop(page, [tmp_path / "zero.npy"])
    if page.locator(".hsi-plan-choice").count():
        page.locator(".hsi-plan-choice[data-value='rows,cols,bands']").click()
    page.locator("#hsi-opening [data-part=open]:enabled").click()
    page.get_by_text("all 120 pixels are zero in every band").wait_for()
    page.locator("#hsi-opening [data-part=close]").click()

    big = tmp_path / "big.img"  # 10⁸ pixels, hardly any of them on the disk
    with big.open("wb") as stream:
        stream.truncate(10_000 * 10_000 * 20 * 2)
        stream.seek(10_000 * 5_000 * 2)
        stream.write(np.arange(10_000, dtype="<i2").tobytes())
    big.with_suffix(".hdr").write_text(
        "ENVI\nsamples = 10000\nlines = 10000\nbands = 20\nheader offset = 0\ndata type = 2\ninterleave = bsq\n"
        "byte order = 0\n"
    )
    page.get_by_role("button", name="Open", exact=True).first.click()
    path = page.get_by_label("File or folder of this machine")
    path.fill("bgi.hdr")
    page.get_by_role("button", name="Look at it").click()
    page.locator("#hsi-opening .is-bad", has_text="bgi.hdr: there is no such file").wait_for()
    assert path.input_value() == "bgi.hdr"  # mended where it was written
    path.fill("big.hdr")
    page.get_by_role("button", name="Look at it").click()
    assert "10000 × 10000 pixels, 20 bands" in looked(page)
    page.locator("#hsi-opening [data-part=open]").click()
    page.wait_for_function("document.querySelector('#hsi-opening-card').innerText.includes('of 10,000')")
    page.locator("#hsi-opening-card [data-part=cancel]").click()
    page.wait_for_selector("#hsi-opening-card", state="hidden", timeout=1000)

    page.reload()
    wait_ready(page)
    assert len(list(projects.iterdir())) == 1
    assert page.locator(".hsi-scene-title").inner_text() == "town"


def shots(count: int = 3) -> dict[str, list[tuple[int, int]]]:
    """Reference pixels of three classes of Indian Pines, well inside their fields."""
    from scipy.ndimage import distance_transform_cdt

    from hsi_studio.scene import open_catalog

    scene = open_catalog("indian_pines")
    assert scene.reference is not None
    chosen = {}
    for value, name in scene.reference_classes:
        if name in ("Corn-notill", "Soybean-mintill", "Woods"):
            depth = distance_transform_cdt(scene.reference == value)
            inside = np.argwhere(depth >= min(4, depth.max()))
            picks = inside[np.linspace(0, len(inside) - 1, count + 2).astype(int)[1:-1]]
            chosen[name] = [(int(r), int(c)) for r, c in picks]
    return chosen


def test_the_moment(page: Any, app: RunningApp, tmp_path: Path) -> None:
    assert page.locator(".hsi-scene-title").inner_text() == "Indian Pines, AVIRIS, 12 June 1992"
    assert page.locator(".hsi-class").count() == 16

    # three classes × 3 clicks; the map is there after the second class and follows
    seq = 0
    for number, (name, pixels) in enumerate(shots().items()):
        choose_class(page, name)
        for row, col in pixels:
            click_pixel(page, row, col)
            seq += 1
            wait_journal(page, seq)
            if number > 0:
                wait_map(page, seq)
    assert page.locator(VIEWER).get_attribute("data-pending") == "0"
    page.wait_for_selector(".hsi-strip[data-state='figures'] .hsi-figure-value")
    strip = page.locator(".hsi-strip").inner_text()
    assert "without your 9 labelled pixels" in strip
    assert "Farther than 5 pixels" in strip
    oa = float(page.locator(".hsi-figure-value").first.inner_text())
    assert 50 < oa <= 100
    page.get_by_role("tab", name="Spectra", exact=True).click()
    page.wait_for_selector(".hsi-spectrum[data-drawn] .main-svg")
    assert "dock=spectra" in page.url
    page.get_by_role("tab", name="Accuracy", exact=True).click()
    assert "away from labels" in page.locator(".hsi-now").inner_text()
    assert "Saved" in page.locator(".hsi-now").inner_text()

    # opacity is local: no request leaves the page
    requests: list[str] = []
    page.on("request", lambda r: requests.append(r.url) if "/hsi/map" in r.url or "/tile" in r.url else None)
    page.locator("[data-part=opacity]").fill("30")
    page.wait_for_timeout(300)
    assert requests == []

    # a reload by accident: everything is there again
    page.reload()
    wait_ready(page)
    wait_journal(page, 9)
    wait_map(page, 9)
    assert "9 labelled" in page.locator(".hsi-classes-head").inner_text()

    # undo takes the last click back, redo brings it again
    page.locator("[data-testid=undo]").click()
    wait_journal(page, 10)
    page.wait_for_function("document.querySelector('.hsi-classes-head').innerText.includes('8 labelled')")
    page.locator("[data-testid=redo]").click()
    wait_journal(page, 11)
    wait_map(page, 11)

    # where next: the crosshair goes where the map wavers, to another place each time
    page.locator("[data-part=next]").click()
    page.get_by_text("The map of your labels wavers here between").wait_for()
    place = "[...document.querySelectorAll('.hv-goto input')].map((input) => input.value).join()"
    first = page.evaluate(place)
    page.keyboard.press("w")
    page.wait_for_function(f"{place} !== '{first}'")

    # export, and open what was exported
    open_tab(page, "Map")
    page.locator("#hsi-map-classes").get_by_text("User's accuracy (precision) %").first.wait_for()  # at the first visit
    page.locator("#hsi-export").click()
    link = page.locator("#hsi-downloads a[download$='.zip']").first
    link.wait_for(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "map")
    (file,) = (tmp_path / "map").glob("*_map.tif")
    check_map(file, shots())
    assert len(list((tmp_path / "map").glob("*_report.html"))) == 1
    events = app.journal()
    assert [e["type"] for e in events] == ["add_point"] * 9 + ["undo", "redo"]
    given = [app.class_names()[e["payload"]["class"]] for e in events[:9]]
    assert given == [name for name, pixels in shots().items() for _ in pixels]


def test_a_method_can_be_trained_and_its_map_shown(own_page: Any, tmp_path: Path) -> None:
    page = own_page
    seq = 0
    for name, pixels in shots().items():
        choose_class(page, name)
        for row, col in pixels:
            click_pixel(page, row, col)
            seq += 1
            wait_journal(page, seq)
    wait_map(page, 9)
    open_tab(page, "Train")
    page.wait_for_selector(".hsi-train[data-ready='1']")
    page.locator("#hsi-method").select_option("svm")
    page.locator("#hsi-train-start").click()
    card = page.locator(".hsi-card")  # it waits beside what is shown, and says what it would change
    card.wait_for(timeout=60_000)
    assert "against map of your labels" in card.inner_text()
    trained = page.locator(".hsi-strip h4", has_text="trained map (svm)").first
    assert trained.count() == 0
    card.get_by_text("Show", exact=True).click()
    trained.wait_for(timeout=60_000)
    assert "3 labels a class" in page.locator(".tr-run h3").inner_text()

    # what is exported is the map on the screen, and the Map tab says so
    open_tab(page, "Map")
    page.locator("#hsi-map-shown", has_text="(svm)").wait_for()
    page.locator("#hsi-map-classes h4", has_text="trained map (svm)").first.wait_for()
    page.locator("#hsi-export").click()
    link = page.locator("#hsi-downloads a[download*='_run-'][download$='.zip']").first
    link.wait_for(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "trained.zip")
    with zipfile.ZipFile(tmp_path / "trained.zip") as opened:
        (name,) = (one for one in opened.namelist() if one.endswith("_map.tif"))
        (tmp_path / "trained.tif").write_bytes(opened.read(name))
    with rasterio.open(tmp_path / "trained.tif") as tiff:
        assert tiff.tags()["method"] == "svm"

    open_tab(page, "Train")
    page.get_by_text("Map shown follows the clicks").click()
    trained.wait_for(state="detached")
    wait_map(page, 9)


def check_map(file: Path, labelled: dict[str, list[tuple[int, int]]]) -> None:
    """The GeoTIFF opens, names its classes, and says of most labelled pixels what the user said.

    Not of all: the map is smoothed, and a label that its surroundings contradict may be outvoted.
    """
    with rasterio.open(file) as dataset:
        codes, palette, tags = dataset.read(1), dataset.colormap(1), {**dataset.tags(), **dataset.tags(1)}
        assert dataset.nodata == 0
    assert codes.shape == (145, 145)
    named = " ".join(tags.values())
    seen = set()
    for name, pixels in labelled.items():
        found = [int(codes[r, c]) for r, c in pixels]
        code = max(set(found), key=found.count)
        assert found.count(code) >= 2
        assert palette[code] != palette[0]
        assert name in named
        seen.add(code)
    assert len(seen) == 3
    assert (codes > 0).all()


def test_forty_clicks_at_four_a_second_are_forty_lines(own_page: Any, long_running: RunningApp, project: str) -> None:
    page = own_page
    choose_class(page, "Corn-notill")
    for n in range(40):
        click_pixel(page, 8 + 14 * (n % 10), 20 + 30 * (n // 10))
        page.wait_for_timeout(250)
        if n == 20:
            choose_class(page, "Woods")
    wait_journal(page, 40)
    events = long_running.journal(project)
    assert len(events) == 40
    assert {e["type"] for e in events} == {"add_point"}
    assert [e["seq"] for e in events] == list(range(1, 41))
    assert len({(e["payload"]["row"], e["payload"]["col"]) for e in events}) == 40
    assert page.locator(VIEWER).get_attribute("data-pending") == "0"


def test_a_second_tab_follows_and_kill_9_loses_nothing(page: Any, app: RunningApp) -> None:
    choose_class(page, "Corn-notill")
    click_pixel(page, 20, 20)
    wait_journal(page, 1)
    second = page.context.new_page()
    second.goto(page.url)
    wait_ready(second)
    wait_journal(second, 1)
    choose_class(page, "Woods")
    click_pixel(page, 100, 100)
    wait_journal(page, 2)
    wait_journal(second, 2)  # the other tab follows by itself
    wait_map(second, 2)
    second.close()

    page.evaluate("window.__before = true")
    app.kill()
    page.wait_for_function("document.body.innerText.includes('Connection to the server was lost')", timeout=20_000)
    app.start()
    page.wait_for_function("!window.__before", timeout=20_000)  # the page comes back by itself
    page.get_by_text("did not end in order").first.wait_for()  # and says why it went
    wait_ready(page)
    wait_map(page, 2)
    click_pixel(page, 60, 60)
    wait_map(page, 3)
    page.problems.clear()
    assert [e["type"] for e in app.journal()] == ["add_point"] * 3


def test_class_list_can_be_edited_and_pasted(own_page: Any) -> None:
    page = own_page
    choose_class(page, "Woods")
    click_pixel(page, 100, 100)
    wait_journal(page, 1)
    page.get_by_role("button", name="Replace the list").click()
    page.locator(".hsi-dialog textarea").fill("Woods\nField, #123456\n<b>&bold</b>")
    page.get_by_role("button", name="Replace the class list").click()
    wait_journal(page, 2)
    names = page.locator(".hsi-class-name")
    page.wait_for_function("document.querySelectorAll('.hsi-class').length === 3")
    assert names.all_inner_texts() == ["Woods", "Field", "<b>&bold</b>"]
    assert "1 labelled" in page.locator(".hsi-classes-head").inner_text()
    page.locator(".hsi-classes-add input").fill("Road")
    page.locator(".hsi-classes-add input").press("Enter")
    wait_journal(page, 3)
    page.wait_for_function("document.querySelector('.hsi-class.is-active').innerText.includes('Road')")
    page.locator("[data-testid=undo]").click()
    wait_journal(page, 4)
    page.locator("[data-testid=undo]").click()
    wait_journal(page, 5)
    page.wait_for_function("document.querySelectorAll('.hsi-class').length === 16")
