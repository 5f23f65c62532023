"""The viewer's routes: exact tiles, patches that rebuild the map, nothing for strangers."""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from PIL import Image

from hsi_studio.errors import BadRequest
from hsi_studio.features.composite import Compositor
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import Bands, ClassInfo, ClassSchema, Prediction, Scene, Survey
from hsi_studio.ui.viewer.tile_routes import HISTORY_MAPS, MapHistory, TileCache, changed_box, encode_confidence, router

H, W = 300, 530
SCHEMA = ClassSchema((ClassInfo("a" * 32, "Corn", "#e69f00"), ClassInfo("b" * 32, "Woods", "#009e73")))


def make_scene() -> Scene:
    cube = np.random.default_rng(0).random((H, W, 4), dtype=np.float32)
    cube[:, :5] = np.nan
    flat = cube[:, 5:].reshape(-1, 4)
    survey = Survey(np.isfinite(cube[..., 0]), np.ones(4, bool), flat.min(0), flat.max(0), flat.mean(0), flat.std(0))
    return Scene("scene0", "s", "S", ArrayCube(cube), Bands(4), lambda _: survey)


def predict(label: Any, revision: int, schema: ClassSchema = SCHEMA) -> Prediction:
    label = np.asarray(label, np.uint16)
    confidence = np.where(label > 0, 0.5 + label / 10, np.nan).astype(np.float32)
    return Prediction(schema, label, confidence, "made", {}, revision)


class Fake:
    def __init__(self) -> None:
        self.made, self.map = make_scene(), None

    def scene(self, scene_id: str) -> Scene:
        if scene_id != "scene0":
            raise BadRequest("No such scene.")
        return self.made

    def prediction(self, project_id: str) -> Prediction | None:
        if project_id != "p":
            raise KeyError(project_id)
        return self.map

    def beside(self, project_id: str) -> Prediction | None:
        return None


def client_for(source: Fake, check: Any = None) -> TestClient:
    app = FastAPI()
    app.include_router(router(source, check))
    return TestClient(app, headers={"accept-encoding": "gzip"})


@pytest.fixture
def source() -> Fake:
    return Fake()


@pytest.fixture
def client(source: Fake) -> TestClient:
    return client_for(source)


def rgba(answer: Any) -> np.ndarray[Any, Any]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_tiles_put_together_are_the_picture(client: TestClient, source: Fake) -> None:
    whole = Compositor().render(source.made, "custom:1,2,3", slice(0, H), slice(0, W))
    sheet = np.vstack([
        np.hstack([rgba(client.get(f"/hsi/tile/scene0/custom:1,2,3/2-98/0/{x}/{y}.png")) for x in range(3)])
        for y in range(2)
    ])  # fmt: skip
    assert sheet.shape == (512, 768, 4)
    np.testing.assert_array_equal(sheet[:H, :W], whole)
    assert not sheet[H:].any()  # padding is transparent
    assert not sheet[:, W:].any()
    assert not sheet[:H, :5, 3].any()  # so are invalid pixels


def test_overview_tiles_are_every_nth_pixel(client: TestClient, source: Fake) -> None:
    whole = Compositor().render(source.made, "custom:1,2,3", slice(0, H), slice(0, W))
    tile = rgba(client.get("/hsi/tile/scene0/custom:1,2,3/2-98/-2/0/0.png"))
    np.testing.assert_array_equal(tile[: H // 4, : -(-W // 4)], whole[::4, ::4])


@pytest.mark.parametrize(
    "place", ["0/3/0", "0/0/2", "0/-1/0", "1/0/0", "-13/0/0", "-99999999/0/0", "0/99999999999999999999/0", "-12/1/0"]
)
def test_tiles_outside_the_scene_are_not_found(client: TestClient, place: str) -> None:
    assert client.get(f"/hsi/tile/scene0/custom:1,2,3/2-98/{place}.png").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/hsi/tile/other/custom:1,2,3/2-98/0/0/0.png",
        "/hsi/tile/scene0/nonsense/2-98/0/0/0.png",
        "/hsi/tile/scene0/custom:1,2,99/2-98/0/0/0.png",
        "/hsi/tile/scene0/custom:1,2,3/98-2/0/0/0.png",
        "/hsi/tile/scene0/custom:1,2,3/nan-98/0/0/0.png",
        "/hsi/tile/scene0/" + "9" * 200 + "/2-98/0/0/0.png",
        "/hsi/map/q/1.bin",
        "/hsi/conf/q/1.bin",
        "/hsi/map/p/1.png",  # no map yet
        "/hsi/leaflet/leaflet-src.js",
        "/hsi/leaflet/../__init__.py",
        "/hsi/leaflet/%2e%2e/__init__.py",
        "/hsi/leaflet//etc/passwd",
        "/hsi/leaflet/images/../leaflet-src.js",
    ],
)
def test_what_does_not_exist_is_404(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/hsi/map/p/1.bin", "/hsi/conf/p/1.bin", "/hsi/map/p/beside-1.bin?since=t"])
def test_a_map_that_went_while_the_page_asked_is_no_error(client: TestClient, source: Fake, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_tile_is_cached_by_the_browser(client: TestClient) -> None:
    address = "/hsi/tile/scene0/custom:1,2,3/2-98/0/0/0.png"
    first = client.get(address)
    assert "immutable" in first.headers["cache-control"]
    assert client.get(address, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    other = client.get("/hsi/tile/scene0/custom:1,2,3/1-99/0/0/0.png", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_every_route_asks_the_check(source: Fake) -> None:
    def check(request: Request) -> None:
        if request.headers.get("x-key") != "right":
            raise HTTPException(401, "Sign in first.")

    source.map = predict(np.ones((H, W)), 1)
    client = client_for(source, check)
    for address in (
        "/hsi/tile/scene0/custom:1,2,3/2-98/0/0/0.png", "/hsi/map/p/1.bin", "/hsi/map/p/1.png", "/hsi/conf/p/1.bin",
        "/hsi/leaflet/leaflet.js",
    ):  # fmt: skip
        assert client.get(address).status_code == 401, address
        assert client.get(address, headers={"x-key": "right"}).status_code == 200, address


def test_leaflet_comes_from_the_installed_package(client: TestClient) -> None:
    assert b"Leaflet 1.9" in client.get("/hsi/leaflet/leaflet.js").content
    assert "text/css" in client.get("/hsi/leaflet/leaflet.css").headers["content-type"]


def apply(shown: np.ndarray[Any, Any] | None, answer: Any) -> np.ndarray[Any, Any]:
    """What the page does with a patch."""
    assert answer.status_code == 200
    r, c, h, w = map(int, answer.headers["x-hsi-box"].split(","))
    part = np.frombuffer(answer.content, np.uint8 if answer.headers["x-hsi-bytes"] == "1" else "<u2").reshape(h, w)
    if not answer.headers["x-hsi-base"]:
        return part.copy()
    assert shown is not None
    shown[r : r + h, c : c + w] = part
    return shown


def test_patches_rebuild_the_map_and_hold_only_the_changed_box(client: TestClient, source: Fake) -> None:
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, (H, W))
    source.map = predict(label, 1)
    answer = client.get("/hsi/map/p/1.bin")
    assert answer.headers["x-hsi-base"] == ""
    assert answer.headers["x-hsi-classes"] == "a" * 32 + "," + "b" * 32
    shown = apply(None, answer)
    for revision in range(2, 6):
        token, label = answer.headers["x-hsi-token"], label.copy()
        r, c = int(rng.integers(0, H - 20)), int(rng.integers(0, W - 30))
        label[r : r + 20, c : c + 30] = (label[r : r + 20, c : c + 30] + 1) % 3
        source.map = predict(label, revision)
        answer = client.get(f"/hsi/map/p/{revision}.bin?since={token}")
        assert answer.headers["x-hsi-box"] == f"{r},{c},20,30"
        assert answer.headers["x-hsi-rev"] == str(revision)
        assert len(answer.content) == 600
        shown = apply(shown, answer)
        np.testing.assert_array_equal(shown, label)


def test_nothing_changed_is_an_empty_box_and_the_same_labels_can_have_a_new_map(
    client: TestClient, source: Fake
) -> None:
    label = np.ones((H, W))
    source.map = predict(label, 7)
    token = client.get("/hsi/map/p/7.bin").headers["x-hsi-token"]
    again = client.get(f"/hsi/map/p/7.bin?since={token}")
    assert (again.headers["x-hsi-box"], again.content) == ("0,0,0,0", b"")
    label[3, 4] = 2
    source.map = predict(label, 7)  # another method, say, on the same labels
    fresh = client.get(f"/hsi/map/p/7.bin?since={token}")
    assert fresh.headers["x-hsi-box"] == "3,4,1,1"
    assert fresh.headers["x-hsi-token"] != token


def test_other_classes_or_an_unknown_token_give_the_whole_map(client: TestClient, source: Fake) -> None:
    source.map = predict(np.ones((H, W)), 1)
    token = client.get("/hsi/map/p/1.bin").headers["x-hsi-token"]
    swapped = ClassSchema(SCHEMA.classes[::-1])  # same indices, other meaning
    source.map = predict(np.ones((H, W)), 2, swapped)
    for since in (token, "made-up", ""):
        answer = client.get(f"/hsi/map/p/2.bin?since={since}")
        assert (answer.headers["x-hsi-base"], answer.headers["x-hsi-box"]) == ("", f"0,0,{H},{W}")


def test_three_hundred_classes_need_two_bytes(client: TestClient, source: Fake) -> None:
    schema = ClassSchema(tuple(ClassInfo(f"{k:032x}", str(k), "#123456") for k in range(300)))
    label = np.arange(H * W).reshape(H, W) % 301
    source.map = predict(label, 1, schema)
    np.testing.assert_array_equal(apply(None, client.get("/hsi/map/p/1.bin")), label)


def test_confidence_is_a_byte_and_255_is_none(client: TestClient, source: Fake) -> None:
    values = np.array([[0, 0.5, 1, np.nan, 1.2]], np.float32)
    assert encode_confidence(values).tolist() == [[0, 127, 254, 255, 254]]
    label = np.zeros((H, W))
    label[:, 100:] = 1
    source.map = predict(label, 1)
    shown = apply(None, client.get("/hsi/conf/p/1.bin"))
    assert (shown[:, :100] == 255).all()
    assert (shown[:, 100:] == round(0.6 * 254)).all()


def test_a_large_map_is_compressed_only_for_those_who_can_read_it(source: Fake) -> None:
    source.map = predict(np.ones((H, W)), 1)
    client = client_for(source)
    packed = client.get("/hsi/map/p/1.bin")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < H * W / 50
    plain = client.get("/hsi/map/p/1.bin", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content != gzip.compress(packed.content)


def test_the_map_picture_has_the_class_colours(client: TestClient, source: Fake) -> None:
    label = np.zeros((H, W))
    label[0, 0], label[0, 1] = 1, 2
    source.map = predict(label, 1)
    picture = rgba(client.get("/hsi/map/p/1.png"))
    assert picture[0, :3].tolist() == [[0xE6, 0x9F, 0, 255], [0, 0x9E, 0x73, 255], [0, 0, 0, 0]]


def test_the_box_of_changes() -> None:
    old = np.zeros((10, 12), int)
    new = old.copy()
    assert changed_box(old, new) == (0, 0, 0, 0)
    new[2, 3] = new[7, 5] = 1
    assert changed_box(old, new) == (2, 3, 6, 3)
    assert changed_box(old, old + 1) == (0, 0, 10, 12)


def test_history_and_tiles_are_bounded() -> None:
    history = MapHistory(budget=3 * 100 * 100 * 7)
    tokens = [history.see("p", predict(np.full((100, 100), k % 3), k)).token for k in range(20)]
    assert history.at("p", tokens[-1]) is not None
    assert history.at("p", tokens[0]) is None
    assert history.at("q", tokens[-1]) is None  # not another project's
    assert len(history._kept) == 3
    roomy = MapHistory()
    for k in range(20):
        roomy.see("q", predict(np.full((100, 100), 1), 0))
        roomy.see("p", predict(np.full((100, 100), k % 3), k))
    assert len(roomy._kept) == 2 * HISTORY_MAPS  # clicks do not fill the memory of a server
    cache = TileCache(budget=100)
    for k in range(10):
        cache.put(str(k), b"x" * 40)
    assert (cache.get("0"), cache.get("9")) == (None, b"x" * 40)


def test_a_stretch_is_part_of_the_address(client: TestClient) -> None:
    tiles = {
        stretch: client.get(f"/hsi/tile/scene0/custom:1,2,3/{stretch}/0/0/0.png")
        for stretch in ("2-98", "sigma", "equalise", "decorrelate", "2-98g2")
    }
    assert {tile.status_code for tile in tiles.values()} == {200}
    assert len({tile.content for tile in tiles.values()}) == len(tiles)
    assert client.get("/hsi/tile/scene0/custom:1,2,3/loud/0/0/0.png").status_code == 404


def test_bands_and_values_of_a_scene_without_wavelengths(client: TestClient) -> None:
    facts = client.get("/hsi/spectral/scene0").json()
    assert facts["axis"][:3] == [1, 2, 3]
    assert facts["indices"] == []
    (value,) = client.get("/hsi/value/scene0/grey:1/30/40").json()["values"]
    assert isinstance(value, float)
    assert client.get("/hsi/value/scene0/grey:1/3/999999").status_code == 404
    assert client.get("/hsi/look/scene0/index:NDVI/2-98").status_code == 404
    assert client.get("/hsi/look/scene0/true/2-98").status_code == 404
