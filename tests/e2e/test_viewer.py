"""The viewer in a real browser: exact pixels, no lost click, local things local, keys, no console error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.e2e.harness import CLASSES, REFUSED, Board, make_scene, page_on, ready, screenshot, serve, to_client

pytestmark = pytest.mark.e2e
CORN, WOODS, WATER = (c.id for c in CLASSES.classes)


@contextmanager
def opened(browser: Any, board: Board, **options: Any) -> Iterator[Any]:
    """The page on a board; afterwards the console must be clean."""
    problems: list[str] = []
    with serve(board) as address, page_on(browser, address, problems, **options) as page:
        if board.scene is not None:
            ready(page)
        yield page
    assert problems == []


def viewer(page: Any, name: str) -> str | None:
    return page.locator(".hsi-viewer").get_attribute(f"data-{name}")


def wait(page: Any, name: str, value: object) -> None:
    page.wait_for_selector(f".hsi-viewer[data-{name}='{value}']", timeout=10000)


def click(page: Any, row: int, col: int, **options: Any) -> None:
    page.mouse.click(*to_client(page, row, col), **options)


def picks(board: Board) -> list[tuple[int, int]]:
    return [(e["row"], e["col"]) for e in board.events if e["kind"] == "pick"]


def white_spots(page: Any, ratio: float) -> list[tuple[float, float]]:
    """CSS coordinates of the centres of white blobs inside the picture, found in a screenshot."""
    from scipy import ndimage

    image = screenshot(page).astype(int)
    box = page.locator(".hv-frame").bounding_box()
    y0, x0 = round((box["y"] + 2) * ratio), round((box["x"] + 2) * ratio)
    part = image[y0 : round((box["y"] + box["height"] - 2) * ratio), x0 : round((box["x"] + box["width"] - 2) * ratio)]
    blobs, count = ndimage.label(part.min(axis=2) > 235)
    centres = ndimage.center_of_mass(blobs > 0, blobs, range(1, count + 1))
    return [((c + 0.5 + x0) / ratio, (r + 0.5 + y0) / ratio) for r, c in centres]


@pytest.mark.parametrize("size", [(145, 145), (349, 1905), (2000, 2000)])
def test_a_white_pixel_seen_is_the_pixel_logged(browser: Any, size: tuple[int, int]) -> None:
    scene, white = make_scene(*size)
    board, problems = Board(scene), []
    with serve(board) as address:
        for number, ratio in enumerate([1, 1.5, 2]):
            board.points, board.seq, board.events = {}, 0, []
            # dark theme: nothing but the scene's white pixels is white
            with page_on(browser, address, problems, device_scale_factor=ratio, color_scheme="dark") as page:
                ready(page)
                page.add_style_tag(content=".hv-zoom,.hv-hint,.hv-active,.hv-legend,.hv-scale{visibility:hidden}")
                page.get_by_label("Percentile stretch").select_option(label="Full range")  # noise stays dark
                while page.evaluate("document.querySelector('.hsi-viewer').__zoom().scale") < 4:
                    page.mouse.move(*to_client(page, *white[number]))  # wheel in on one of them
                    page.mouse.wheel(0, -400)
                    page.wait_for_timeout(70)
                page.mouse.move(2, 2)
                page.wait_for_timeout(100)
                ready(page)
                spots = white_spots(page, ratio)[:6]
                assert spots
                for n, (x, y) in enumerate(spots):
                    page.mouse.click(x, y)
                    wait(page, "journal", n + 1)
                assert set(picks(board)) <= set(white)
                assert len(set(picks(board))) == len(spots)
    assert problems == []


def test_forty_clicks_at_four_a_second_all_arrive_and_the_view_stays(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    with opened(browser, board) as page:
        x, y = to_client(page, 70, 70)
        page.mouse.move(x, y)
        page.mouse.wheel(0, -240)
        page.mouse.down()
        page.mouse.move(x + 60, y + 45, steps=5)  # a drag is not a click
        page.mouse.up()
        page.wait_for_timeout(500)  # inertia
        before = page.evaluate("document.querySelector('.hsi-viewer').__zoom()")
        page.evaluate("window.stage = document.querySelector('.hv-stage')")
        wanted = [(55 + n // 8 * 4, 50 + n % 8 * 4) for n in range(40)]
        for n, pixel in enumerate(wanted):
            if n == 20:
                page.keyboard.press("2")
            click(page, *pixel)
            page.wait_for_timeout(210)
        wait(page, "journal", 40)
        wait(page, "pending", 0)
        wait(page, "map-rev", 40)
        assert sorted(picks(board)) == sorted(wanted)
        assert sorted(board.points) == sorted(wanted)
        assert page.evaluate("document.querySelector('.hsi-viewer').__zoom()") == before
        assert page.evaluate("window.stage === document.querySelector('.hv-stage')")


def test_a_burst_faster_than_the_server_loses_nothing(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    with opened(browser, board) as page:
        wanted = [(10 + n * 4, 20) for n in range(25)]
        for x, y in [to_client(page, *pixel) for pixel in wanted]:
            page.mouse.click(x, y)
        assert int(viewer(page, "pending") or 0) > 0  # shown before the server knew
        wait(page, "journal", 25)
        wait(page, "pending", 0)
        assert sorted(board.points) == sorted(wanted)


def test_markers_map_opacity_and_local_work(browser: Any) -> None:
    scene, _ = make_scene(145, 145, invalid=20)
    board = Board(scene)
    with opened(browser, board) as page:
        click(page, 30, 40)
        wait(page, "journal", 1)
        assert page.locator(".hv-hint").inner_text() == "Label a second class to see the map"
        page.keyboard.press("2")
        page.mouse.move(5, 5)
        click(page, 30, 100)
        wait(page, "map-rev", 2)
        assert page.locator(".hv-hint").is_hidden()

        def colour(row: int, col: int) -> Any:
            x, y = to_client(page, row, col)
            return screenshot(page)[round(y), round(x)].astype(int)

        requests: list[str] = []
        page.on("request", lambda r: requests.append(r.url))
        page.evaluate("document.activeElement.blur()")
        slider = page.locator(".hv-opacity")
        slider.fill("100")
        page.wait_for_timeout(100)
        assert colour(100, 130).tolist() == [0x00, 0x9E, 0x73]  # the class colour itself
        assert colour(100, 60).tolist() == [0xE6, 0x9F, 0x00]
        slider.fill("0")
        page.wait_for_timeout(100)
        assert colour(100, 130).tolist() != [0x00, 0x9E, 0x73]
        slider.fill("60")
        page.locator(".hv-stage").focus()
        for key in ("m", "m", "c", "[", "]", "+", "-", "ArrowLeft", "?", "Escape"):
            page.keyboard.press(key)
        page.mouse.move(*to_client(page, 100, 130))
        page.wait_for_timeout(150)
        text = page.locator(".hv-readout").inner_text()
        assert "row 100, col 130" in text
        assert "Woods" in text
        assert "502610.0, 4497990.0" in text  # 500000 + 130.5 · 20, 4500000 − 100.5 · 20
        assert [u for u in requests if "/gradio_api/" in u or "/hsi/map" in u] == []  # none of this asked the server
        # invalid pixels: two colours of hatching and no class colour
        x, y = to_client(page, 60, 2)
        patch = screenshot(page)[round(y) : round(y) + 24, round(x) : round(x) + 24].reshape(-1, 3)
        assert len(np.unique(patch, axis=0)) >= 2
        assert np.ptp(patch.astype(int), axis=1).max() < 20  # greys only


def test_clicking_a_marker_removes_it_and_refusals_vanish(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    with opened(browser, board) as page:
        click(page, 50, 50)
        wait(page, "journal", 1)
        click(page, 50, 50)
        wait(page, "journal", 2)
        assert board.points == {}
        x, y = to_client(page, 20, 20)
        page.mouse.dblclick(x, y)  # two quick clicks: on and off again, and no zoom
        wait(page, "journal", 4)
        assert board.points == {}
        click(page, *REFUSED)
        page.locator(".hv-message", has_text="Row 0, column 0 holds no data: choose another pixel.").wait_for()
        wait(page, "pending", 0)
        assert "(label)" not in page.locator("[data-part=readout]").inner_text()  # nor does the line below speak of it
        page.keyboard.down("Shift")
        click(page, 60, 60)
        page.keyboard.up("Shift")
        page.wait_for_timeout(300)
        assert board.events[-1] == {"kind": "probe", "row": 60, "col": 60}
        assert board.points == {}


def test_a_click_means_the_pixel_under_it_or_asks_to_zoom_in(browser: Any) -> None:
    scene, _ = make_scene(349, 1905)
    board = Board(scene)
    with opened(browser, board) as page:
        assert page.evaluate("document.querySelector('.hsi-viewer').__zoom().scale") < 1
        click(page, 100, 100)
        page.get_by_text("Zoom in to label").wait_for()
        assert picks(board) == []
        while page.evaluate("document.querySelector('.hsi-viewer').__zoom().scale") < 2:
            page.get_by_role("button", name="Zoom in").click()
        row, col = page.evaluate(
            "() => { const v = document.querySelector('.hsi-viewer'), z = v.__zoom();"
            " return [Math.floor((200 - z.y0) / z.scale), Math.floor((300 - z.x0) / z.scale)]; }"
        )
        click(page, row, col)
        wait(page, "journal", 1)
        click(page, row, col + 1)  # under the marker of the first, but another pixel
        wait(page, "journal", 2)
        assert set(board.points) == {(row, col), (row, col + 1)}
        click(page, row, col)
        page.get_by_text(f"The label of row {row}, column {col} is taken away").wait_for()
        wait(page, "journal", 3)
        assert set(board.points) == {(row, col + 1)}
        words = page.locator("[data-part=message]").bounding_box()  # they lie over the picture, and let a click through
        page.mouse.click(words["x"] + words["width"] / 2, words["y"] + words["height"] / 2)
        wait(page, "journal", 4)


def test_keys_work_wherever_one_does_not_type(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    with opened(browser, board) as page:
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("2")
        assert page.locator(".hv-active").inner_text() == "Woods"
        click(page, 50, 50)
        wait(page, "journal", 1)
        page.get_by_role("button", name="List of keys").focus()
        page.keyboard.press("Control+z")
        wait(page, "journal", 2)
        assert board.points == {}
        page.keyboard.press("Enter")  # the button's, not the picture's
        assert board.seq == 2
        page.keyboard.press("h")
        page.get_by_text("Label markers are hidden").wait_for()


def test_the_keyboard_alone_labels(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    with opened(browser, board) as page:
        page.get_by_label("Row", exact=True).fill("12")
        page.get_by_label("Column", exact=True).fill("40")
        page.keyboard.press("Enter")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        wait(page, "journal", 1)
        assert page.locator(".hv-live").inner_text() == "row 12, column 40, Corn-notill, 1 label"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("3")
        page.keyboard.press("Space")
        wait(page, "journal", 2)
        assert board.points == {(12, 40): 0, (22, 41): 2}
        assert page.locator(".hv-active").inner_text() == CLASSES.classes[2].name  # as text, not as HTML
        page.keyboard.press("Control+z")
        wait(page, "journal", 3)
        assert board.points == {(12, 40): 0}
        page.keyboard.press("Control+Shift+Z")
        wait(page, "journal", 4)
        page.keyboard.press("Delete")
        wait(page, "journal", 5)
        assert board.points == {(12, 40): 0}
        page.locator("#text input, #text textarea").first.click()
        page.keyboard.type("1 2 m c")  # typing elsewhere labels nothing
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        assert board.seq == 5


def test_a_touch_labels_and_a_small_screen_holds_everything(browser: Any) -> None:
    scene, _ = make_scene(145, 145)
    board = Board(scene)
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, board, device_scale_factor=2, **options) as page:
        page.touchscreen.tap(*to_client(page, 77, 33))
        wait(page, "journal", 1)
        assert picks(board) == [(77, 33)]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        outside = page.evaluate(
            """() => [...document.querySelectorAll('.hsi-viewer button, .hsi-viewer select, .hsi-viewer input')]
                .map((e) => e.getBoundingClientRect()).filter((b) => b.width && (b.left < 0 || b.right > 390)).length"""
        )
        assert outside == 0
        left_over = page.get_by_label("Colour composite").evaluate(
            """(node) => {
                node.selectedOptions[0].text = "Three band numbers (the file has no wavelengths)";
                return node.closest(".hv-bar").getBoundingClientRect().right - node.getBoundingClientRect().right;
            }"""
        )
        assert left_over >= 0  # the arrow of a long one was cut off


def test_a_wavelength_the_sensor_does_not_have_is_said(browser: Any) -> None:
    scene, _ = make_scene(60, 60)
    board, problems = Board(scene), []
    with serve(board) as address, page_on(browser, address, problems) as page:
        ready(page)
        page.get_by_label("Colour composite").select_option(label="Three wavelengths")
        page.locator(".hv-bands input").first.fill("2500")
        page.locator(".hv-bands input").first.press("Enter")
        page.wait_for_selector(".hv-message:not([hidden])")
        assert "the sensor covers 450 to 900 nm" in page.locator(".hv-message").inner_text()
    assert all("404" in problem for problem in problems)  # the refused tiles, nothing else


def test_no_scene_and_a_progress_bar_are_said_in_words(browser: Any) -> None:
    board = Board(None)
    with opened(browser, board) as page:
        page.wait_for_selector(".hv-empty:not([hidden])")
        assert page.locator(".hv-empty").inner_text() == "Open a scene to begin"
    scene, _ = make_scene(60, 60)
    board = Board(scene, progress={"text": "Computing features", "fraction": 0.4, "seconds_left": 12.0})
    with opened(browser, board) as page:
        assert page.locator(".hv-progress").inner_text() == "Computing features · 40 % · about 12 s left"
        assert page.locator(".hv-hint").is_hidden()


def test_another_picture_keeps_the_place_and_two_thousand_labels_draw(browser: Any) -> None:
    scene, _ = make_scene(400, 400)
    board = Board(scene)
    rng = np.random.default_rng(0)
    board.points = {(int(r), int(c)): int(k) for r, c, k in rng.integers(0, [400, 400, 3], (2000, 3))}
    board.seq = 2000
    with opened(browser, board) as page:
        wait(page, "journal", 2000)
        page.mouse.move(*to_client(page, 200, 200))
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(300)
        before = page.evaluate("document.querySelector('.hsi-viewer').__zoom()")
        with page.expect_response(lambda r: "/custom" in r.url and r.status == 200):
            page.locator(".hv-bar select").first.select_option(label="Three wavelengths")
            page.locator(".hv-bands input").first.fill("850")
            page.locator(".hv-bands input").first.press("Enter")
        click(page, 201, 203)
        wait(page, "journal", 2001)
        assert page.evaluate("document.querySelector('.hsi-viewer').__zoom()") == before
