"""The catalogue: Indian Pines offline with the right facts, downloads with checksums, resuming, and their errors."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from hsi_studio import paths, settings
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.scene import catalog, indian_pines, open_catalog
from hsi_studio.scene import catalog as catalog_function
from hsi_studio.scene.catalog import CatalogEntry
from hsi_studio.scene.download import RemoteFile, fetch
from hsi_studio.scene.resolve import resolve
from tests.scene import fake

COUNTS = [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93]


def test_indian_pines_is_complete():
    scene = open_catalog("indian_pines")
    assert scene.shape == (145, 145, 200)
    assert [int((scene.reference == v).sum()) for v, _ in scene.reference_classes] == COUNTS
    assert scene.reference_classes[0] == (1, "Alfalfa")
    assert scene.reference_classes[15] == (16, "Stone-Steel-Towers")
    assert scene.bands.wavelength_nm.shape == (200,)
    assert scene.gsd_m == 20
    assert "10.4231/R7RX991C" in scene.citation
    assert "CC BY 3.0" in scene.licence
    assert scene.valid.all()
    assert scene.good_bands.all()
    assert [len(s.sha256) for s in scene.sources] == [64, 64]
    assert scene.id == open_catalog("indian_pines").id


def test_indian_pines_opens_without_importing_tensorly():
    open_catalog("indian_pines")
    assert "tensorly" not in sys.modules


def test_carbon_dioxide_absorbs_where_the_band_centres_say():
    """CO2 has bands at 2004 and 2060 nm; with shifted centres the minima would lie beside them."""
    scene = open_catalog("indian_pines")
    nm, mean = scene.bands.wavelength_nm, scene.survey.band_mean
    window = np.flatnonzero((nm > 1990) & (nm < 2040))
    assert abs(nm[window[np.argmin(mean[window])]] - 2004) < 6
    oxygen = np.flatnonzero((nm > 745) & (nm < 780))
    assert abs(nm[oxygen[np.argmin(mean[oxygen])]] - 761) < 6  # the O2-A band


def test_band_centres_leave_out_what_the_cube_leaves_out():
    nm = indian_pines.wavelength_nm()
    assert len(indian_pines.CENTRES_NM) == len(indian_pines.FWHM_NM) == 220
    assert not np.any((nm > 1363) & (nm < 1412))
    assert not np.any((nm > 1820) & (nm < 1943))
    assert nm[-1] == pytest.approx(2489.11)
    assert np.all((indian_pines.fwhm_nm() > 8) & (indian_pines.fwhm_nm() < 15))


def test_band_centres_are_the_calibration_files(shared_data):
    rows = (shared_data / "indian_pines" / "92AV3C.spc").read_text().splitlines()[2:]
    table = np.array([[float(v) for v in row.split()] for row in rows if row.strip()])
    assert np.allclose(indian_pines.CENTRES_NM, table[:, 0], atol=0.006)
    assert np.allclose(indian_pines.FWHM_NM, table[:, 1], atol=0.006)


def test_values_are_radiance():
    scene = open_catalog("indian_pines")
    mean = scene.survey.band_mean
    assert scene.value_unit.startswith("µW")
    assert 0 < mean.min() < 0.1  # nearly black in water vapour
    assert 5 < mean.max() < 15  # a June noon in the blue-green


def test_catalogue_lists_what_a_picker_needs():
    entries = catalog()
    assert [e.id for e in entries[:2]] == ["indian_pines", "demo"]
    assert len({e.id for e in entries}) == len(entries) >= 8
    for entry in entries:
        assert isinstance(entry, CatalogEntry)
        assert entry.title
        assert entry.licence
        assert entry.citation
        assert len(entry.size) == 3
        assert entry.offline == (entry.id in ("indian_pines", "demo"))


def test_every_download_can_be_verified():
    for name, facts in json.loads((paths.ASSETS / "datasets.json").read_text())["scenes"].items():
        hashed = [f for f in facts["files"] if f.get("sha256")]
        counted = facts.get("counts") or facts.get("labelled")
        assert hashed or counted, name
        unhashed = [f["name"] for f in facts["files"] if not f.get("sha256")]
        assert not unhashed or counted, name
        for file in [*hashed, *(m for f in hashed for m in f.get("members", []))]:
            assert len(file["sha256"]) == 64
        if facts.get("counts"):
            assert len(facts["counts"]) == len(facts["classes"])
        if facts.get("wavelength_nm"):
            assert len(facts["wavelength_nm"]) == facts["size"][2]


def test_label_counts_are_those_of_the_real_maps(shared_data):
    from hsi_studio.scene import read_class_map

    scenes = json.loads((paths.ASSETS / "datasets.json").read_text())["scenes"]
    for name, path in [
        ("trento", "trento/allgrd.mat"),
        ("pavia_university", "pavia_university/PaviaU_gt.mat"),
        ("salinas", "salinas/Salinas_gt.mat"),
        ("ksc", "groundtruth_only/KSC_gt.mat"),
        ("botswana", "groundtruth_only/Botswana_gt.mat"),
        ("pavia_centre", "groundtruth_only/paviaC_gt.mat"),
        ("salinas_a", "salinas_a/salinas_a_with_gt.mat:salinasA_gt"),
    ]:
        labels, _ = read_class_map(f"{shared_data / path}", tuple(scenes[name]["size"][:2]))
        pixels = np.bincount(labels.ravel())[1:]
        values = np.array(scenes[name].get("values", range(1, len(pixels) + 1)))
        assert pixels[values - 1].tolist() == scenes[name]["counts"], name
        assert pixels.sum() == sum(scenes[name]["counts"]), name


def test_unknown_names_list_the_catalogue(tmp_path):
    with pytest.raises(BadRequest, match="indian_pines, demo"):
        open_catalog("atlantis")
    with pytest.raises(BadRequest, match="indian_pines, demo"):
        resolve("atlantis")
    with pytest.raises(FileProblem, match="no such file"):
        resolve(tmp_path / "atlantis.mat")
    with pytest.raises(BadRequest, match="--var"):
        resolve("indian_pines", variable="x")


def test_resolve_lays_another_reference_on_a_catalogue_scene(tmp_path):
    mask = np.zeros((145, 145), dtype=int)
    mask[3:9] = 2
    np.save(tmp_path / "train.npy", mask)
    scene = resolve("indian_pines", reference=tmp_path / "train.npy", name="mine")
    assert np.array_equal(scene.reference, mask)
    assert scene.name == "mine"
    assert scene.id != open_catalog("indian_pines").id
    assert resolve("indian_pines").id == open_catalog("indian_pines").id


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files`, understands Range, and hangs up after `limit` bytes when told to."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    limit: int | None = None
    ranges: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        body = self.files.get(self.path.lstrip("/"))
        wanted = self.headers.get("Range")
        self.ranges.append(wanted)
        if body is None:
            self.send_error(404)
            return
        start = int(wanted[6:-1]) if wanted else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.limit] if self.limit else body[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv(settings.OUTGOING.name, "127.0.0.1")
    Server.files, Server.limit, Server.ranges = {}, None, []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def remote(server: str, body: bytes, name: str = "a.bin") -> RemoteFile:
    Server.files[name] = body
    return RemoteFile(name, f"{server}/{name}", hashlib.sha256(body).hexdigest())


def test_download_checks_reports_and_is_done_once(server, tmp_path):
    body = bytes(range(256)) * 4000
    seen = []
    file = remote(server, body)
    assert fetch(file, tmp_path, seen.append).read_bytes() == body
    assert seen[-1].fraction == 1
    fetch(file, tmp_path)
    assert len(Server.ranges) == 1


def test_broken_download_is_continued(server, tmp_path):
    body = np.random.default_rng(0).bytes(900_000)
    file = remote(server, body)
    Server.limit = 500_000
    with pytest.raises(FileProblem, match="continued next time"):
        fetch(file, tmp_path)
    assert not (tmp_path / "a.bin").exists()
    Server.limit = None
    assert fetch(file, tmp_path).read_bytes() == body
    assert Server.ranges == [None, "bytes=500000-"]


def test_wrong_content_is_deleted_and_both_hashes_are_named(server, tmp_path):
    file = remote(server, b"right")
    Server.files["a.bin"] = b"wrong"
    with pytest.raises(CorruptFile) as caught:
        fetch(file, tmp_path)
    assert file.sha256 in str(caught.value)
    assert hashlib.sha256(b"wrong").hexdigest() in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_connection_the_error_says_what_to_put_where(tmp_path):
    file = RemoteFile("a.bin", "http://127.0.0.1:9/a.bin", "ab" * 32)
    with pytest.raises(FileProblem) as caught:
        fetch(file, tmp_path)
    for text in (file.url, file.sha256, str(tmp_path / "a.bin")):
        assert text in str(caught.value)


def test_a_missing_file_says_so_and_leaves_nothing(server, tmp_path):
    with pytest.raises(FileProblem, match="404"):
        fetch(RemoteFile("b.bin", f"{server}/b.bin", "ab" * 32), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_is_asked_first_and_what_it_lacks_comes_from_its_place(server, tmp_path, monkeypatch):
    body = np.random.default_rng(1).bytes(5000)
    digest = hashlib.sha256(body).hexdigest()
    Server.files = {"mirror/town/a%20b.bin": body, "b.bin": body}
    monkeypatch.setenv(settings.MIRROR.name, f"{server}/mirror/")
    target = tmp_path / "town"
    assert fetch(RemoteFile("a b.bin", "http://127.0.0.1:9/a.bin", digest), target).read_bytes() == body
    assert fetch(RemoteFile("b.bin", f"{server}/b.bin", digest), target).read_bytes() == body
    shelf = tmp_path / "shelf"
    (shelf / "town").mkdir(parents=True)
    (shelf / "town" / "c.bin").write_bytes(body)
    (shelf / "town" / "d.bin").write_bytes(b"wrong")
    monkeypatch.setenv(settings.MIRROR.name, str(shelf))
    assert fetch(RemoteFile("c.bin", "http://127.0.0.1:9/c.bin", digest), target).read_bytes() == body
    with pytest.raises(CorruptFile, match="sha256"):  # a mirror is not believed either
        fetch(RemoteFile("d.bin", "http://127.0.0.1:9/d.bin", digest), target)
    assert not (target / "d.bin").exists()


def test_file_put_there_by_hand_is_taken_if_its_hash_fits(tmp_path):
    file = RemoteFile("a.bin", "http://127.0.0.1:9/a.bin", hashlib.sha256(b"hand").hexdigest())
    (tmp_path / "a.bin").write_bytes(b"hand")
    assert fetch(file, tmp_path).read_bytes() == b"hand"
    (tmp_path / "a.bin").write_bytes(b"other")
    with pytest.raises(CorruptFile, match="Delete"):
        fetch(file, tmp_path)


@pytest.fixture
def small_catalogue(server, tmp_path, monkeypatch):
    """A catalogue of one scene: a zip with the cube and the heights, and a label map without a checksum."""
    labels = np.zeros((6, 5))
    labels[1], labels[2] = 1, 2
    for name, variables in (
        ("hsi.mat", {"data": fake.cube()}),
        ("lidar.mat", {"data": np.ones((6, 5, 2), dtype="f4")}),
        ("gt.mat", {"gt": labels}),
    ):
        savemat(tmp_path / name, variables)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(tmp_path / "hsi.mat", "Small-1/hsi.mat")
        archive.write(tmp_path / "lidar.mat", "Small-1/lidar.mat")
    archive_file = remote(server, packed.getvalue(), "small.zip")
    map_file = remote(server, (tmp_path / "gt.mat").read_bytes(), "gt.mat")
    facts = {
        "title": "Small",
        "sensor": "none",
        "size": [6, 5, 8],
        "classes": ["Roof", "Tree"],
        "licence": "CC0",
        "citation": "Nobody (2024)",
        "gsd_m": 2.0,
        "files": [
            {
                "name": "small.zip",
                "url": archive_file.url,
                "sha256": archive_file.sha256,
                "members": [{"ending": "hsi.mat"}, {"ending": "lidar.mat"}],
            },
            {"name": "gt.mat", "url": map_file.url},
        ],
        "cube": "hsi.mat:data",
        "dsm": "lidar.mat:data",
        "reference": "gt.mat:gt",
        "counts": [5, 5],
        "wavelength_nm_evenly": [400, 1100],
    }
    module = sys.modules["hsi_studio.scene.catalog"]
    monkeypatch.setattr(module, "public_facts", lambda: {"small": facts})
    return facts


def test_downloadable_scene_end_to_end(small_catalogue):
    assert not catalog_function()[-1].offline
    scene = open_catalog("small")
    assert scene.shape == (6, 5, 8)
    assert scene.dsm.shape == (6, 5, 2)
    assert scene.reference_names == {1: "Roof", 2: "Tree"}
    assert scene.bands.wavelength_nm[[0, -1]].tolist() == [400, 1100]
    assert "spread evenly" in " ".join(scene.notes)
    assert (scene.title, scene.licence, scene.gsd_m) == ("Small", "CC0", 2.0)
    assert catalog_function()[-1].offline
    before = len(Server.ranges)
    assert open_catalog("small").id == scene.id
    assert len(Server.ranges) == before
    assert Path(scene.sources[0].path).parent == paths.home() / "datasets" / "small"


def test_label_map_without_checksum_must_have_the_known_counts(small_catalogue):
    small_catalogue["counts"] = [5, 6]
    with pytest.raises(CorruptFile, match=r"\[5, 5\], expected \[5, 6\]"):
        open_catalog("small")


def test_the_makers_own_files_do_as_well(small_catalogue, tmp_path, monkeypatch):
    """Fetched by hand from the makers' page and put into our folder or the mirror, they are taken, and checked."""
    del small_catalogue["counts"]
    small_catalogue |= {
        "labelled": 10,
        "homepage": "http://somewhere/page.htm",
        "instead": {"cube": "Own.mat:own", "reference": "Own_gt.mat:own_gt"},
    }
    Server.files = {}
    with pytest.raises(FileProblem, match=r"take Own.mat and Own_gt.mat from http://somewhere/page.htm"):
        open_catalog("small")
    labels = np.zeros((6, 5))
    labels[1], labels[2] = 1, 2
    shelf = tmp_path / "shelf" / "small"
    shelf.mkdir(parents=True)
    savemat(shelf / "Own.mat", {"own": fake.cube()})
    savemat(shelf / "Own_gt.mat", {"own_gt": labels})
    monkeypatch.setenv(settings.MIRROR.name, str(shelf.parent))
    assert catalog_function()[-1].offline
    scene = open_catalog("small")
    assert scene.reference_names == {1: "Roof", 2: "Tree"}
    assert scene.citation == "Nobody (2024)"
    savemat(shelf / "Own_gt.mat", {"own_gt": labels * (np.arange(5) > 0)})
    with pytest.raises(CorruptFile, match="8 labelled pixels of 2 classes, expected 10 of 2"):
        open_catalog("small")


def test_a_reference_that_is_a_public_scenes_gets_its_class_names(tmp_path):
    np.save(tmp_path / "cube.npy", np.random.default_rng(0).random((145, 145, 4), dtype="f4"))
    gt = open_catalog("indian_pines").reference
    np.save(tmp_path / "gt.npy", gt)
    scene = resolve(tmp_path / "cube.npy", reference=tmp_path / "gt.npy", axes="rows,cols,bands")
    assert scene.reference_names[16] == "Stone-Steel-Towers"
    assert "exactly the labelled pixels of Indian Pines" in " ".join(scene.notes)
    np.save(tmp_path / "gt.npy", np.where(gt == 16, 15, gt))
    other = resolve(tmp_path / "cube.npy", reference=tmp_path / "gt.npy", axes="rows,cols,bands")
    assert other.reference_names[1] == "Class 1"
