"""The benchmarks' scenes: plots laid side by side, simulated Trento, packed files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks import few_shot, idtrees, pack_scenes
from benchmarks.common import THREAD_VARIABLES
from benchmarks.idtrees import Plot, idtrees_scene, inside, read_polygons, split_by_plot, together, wavelength_nm
from benchmarks.scenes import is_packed, load_packed, open_for_sweep, pack, simulated_trento
from hsi_studio.engine.sweep.cells import SweepScene
from hsi_studio.errors import BadRequest, FileProblem


def write_shapefile(file: Path, names: list[str], boxes: list[tuple[float, float, float, float]]) -> None:
    """Rectangles (left, bottom, right, top) as a polygon shapefile with a table of two columns."""
    records = b""
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        ring = [x0, y0, x0, y1, x1, y1, x1, y0, x0, y0]
        content = struct.pack("<i4d2ii10d", 5, x0, y0, x1, y1, 1, 5, 0, *ring)
        records += struct.pack(">2i", number + 1, len(content) // 2) + content
    file.write_bytes(struct.pack(">i20xi", 9994, (100 + len(records)) // 2) + b"\0" * 72 + records)
    fields = b"".join(
        name.encode().ljust(11, b"\0") + kind + b"\0" * 4 + bytes([width]) + b"\0" * 15
        for name, kind, width in (("id", b"N", 9), ("indvdID", b"C", 12))
    )
    rows = b"".join(b" " + str(n).rjust(9).encode() + name.ljust(12).encode() for n, name in enumerate(names))
    header = 32 + len(fields) + 1
    head = struct.pack("<4BIHH20x", 3, 0, 0, 0, len(names), header, 22)
    file.with_suffix(".dbf").write_bytes(head + fields + b"\r" + rows)


@pytest.fixture
def plots_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four plots of 6 × 6 pixels and 4 bands; oaks left, pines right in each, one crown of a rare species."""
    import rasterio
    from rasterio.transform import from_origin

    monkeypatch.setattr(idtrees, "MIN_CROWNS", 4)
    folder = tmp_path / "idtrees2020"
    for part in ("RemoteSensing/HSI", "RemoteSensing/CHM", "ITC", "Field"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    names, boxes, field = [], [], ["indvdID,taxonID"]
    for k in range(4):
        left, top = 1000.0 + 100 * k, 5000.0
        at = {"driver": "GTiff", "height": 6, "width": 6, "transform": from_origin(left, top, 1, 1)}
        with rasterio.open(folder / f"RemoteSensing/HSI/SITE_{k + 1}.tif", "w", count=4, dtype="int16", **at) as out:
            out.write(rng.integers(100 * (k + 1), 100 * (k + 1) + 50, (4, 6, 6)).astype(np.int16))
        with rasterio.open(folder / f"RemoteSensing/CHM/SITE_{k + 1}.tif", "w", count=1, dtype="float32", **at) as out:
            out.write(np.full((1, 6, 6), float(k), dtype=np.float32))
        for species, x in (("OAK", 0), ("PINE", 3)):
            names.append(f"{species}{k}")
            boxes.append((left + x + 0.2, top - 5.8, left + x + 3.2, top - 0.2))
            field.append(f"{species}{k},{species}")
    names += ["RARE0", "UNKNOWN"]
    boxes += [(1000.2, 4999.2, 1001.8, 4999.8)] * 2
    field.append("RARE0,RARE")
    write_shapefile(folder / "ITC" / "train_SITE.shp", names, boxes)
    (folder / "Field" / "train_data.csv").write_text("\n".join(field) + "\n")
    (folder / "Field" / "taxonID_ScientificName.csv").write_text("taxonID,scientificName\nOAK,Quercus alba L.\n")
    return folder


def test_plots_are_laid_out_with_gaps_and_labelled_by_crowns(plots_folder: Path) -> None:
    held = idtrees_scene(plots_folder)
    scene, gap = held.scene, idtrees.GAP_PX
    assert scene.shape == (2 * 6 + gap, 2 * 6 + gap, 4)
    assert scene.reference_names == {1: "Quercus alba", 2: "PINE"}
    assert scene.valid.sum() == 4 * 36
    assert not scene.valid[6 : 6 + gap].any()
    assert not scene.valid[:, 6 : 6 + gap].any()
    assert scene.read(slice(0, 6), slice(6 + gap, 12 + gap)).min() >= 0.0199  # the second plot, as reflectance
    assert scene.dsm is not None
    assert scene.dsm[8 + gap, 8 + gap, 0] == 3.0  # the fourth plot's canopy height
    assert np.isnan(scene.dsm[7, 0, 0])
    assert scene.reference is not None
    # columns 0–2 oak (centres 0.5 … 2.5 in 0.2–3.2), 3–5 pine; a rare crown over (0, 0) and (0, 1) takes its label
    assert scene.reference[3, :6].tolist() == [1, 1, 1, 2, 2, 2]
    assert scene.reference[0, :6].tolist() == [0, 0, 1, 2, 2, 2]


def test_the_split_is_by_plot_with_every_species_on_both_sides(plots_folder: Path) -> None:
    held = idtrees_scene(plots_folder, seed=3)
    scene, mask, gap = held.scene, held.masks["plots"], idtrees.GAP_PX
    sides = [set(np.unique(mask[r : r + 6, c : c + 6]).tolist()) for r in (0, 6 + gap) for c in (0, 6 + gap)]
    assert sorted(map(tuple, sides)) == [(1,), (1,), (2,), (2,)]
    assert (mask[~scene.valid] == 0).all()
    for side in (1, 2):
        assert set(np.unique(scene.reference[mask == side]).tolist()) >= {1, 2}  # type: ignore[index]
    assert np.array_equal(mask, idtrees_scene(plots_folder, seed=3).masks["plots"])


def test_plots_that_overlap_on_the_ground_stay_together() -> None:
    def plot(left: float) -> Plot:
        return Plot("p", np.zeros((4, 4, 2), np.int16), np.zeros((4, 4), np.float32), left, 100.0, 1.0)

    groups = together([plot(0), plot(3), plot(4), plot(20)])
    assert groups[0] == groups[1] == groups[2] != groups[3]  # 0–4 and 3–7, 3–7 and 4–8 overlap
    plot_of = np.repeat(np.arange(4, dtype=np.int32), 8)[None]
    reference = np.ones((1, 32), dtype=np.int32)
    for seed in range(5):
        mask = split_by_plot(reference, plot_of, groups, seed)
        assert len(set(mask[0, :24].tolist())) == 1


def test_even_odd_rule_and_wavelengths() -> None:
    outer = np.array([[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]], dtype=float)
    hole = np.array([[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]], dtype=float)
    x, y = np.array([0.5, 2.0, 5.0]), np.array([0.5, 2.0, 2.0])
    assert inside((outer, hole), x, y).tolist() == [True, False, False]
    nm = wavelength_nm(369)
    assert nm is not None
    assert (nm[0], nm.size) == (pytest.approx(383.53, abs=0.01), 369)
    assert nm[192] - nm[191] == pytest.approx(19 * 5.00791, abs=0.01)  # the first water-vapour window is left out
    assert wavelength_nm(4) is None


def test_a_folder_without_plots_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="RemoteSensing/HSI"):
        idtrees_scene(tmp_path)
    with pytest.raises(FileProblem, match="label map"):
        simulated_trento(tmp_path)
    with pytest.raises(BadRequest, match="--data"):
        open_for_sweep("idtrees", None)


@pytest.fixture(autouse=True)
def _no_data_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HSI_STUDIO_TEST_DATA", raising=False)


def test_simulated_trento_stands_on_the_given_layout(tmp_path: Path) -> None:
    from scipy.io import savemat

    layout = np.repeat(np.arange(7, dtype=np.uint8), 4)[None].repeat(20, axis=0)  # (20, 28), classes 0 … 6
    heights = np.random.default_rng(0).random((20, 28, 2)).astype(np.float32) * 5
    savemat(tmp_path / "allgrd.mat", {"mask_test": layout})
    savemat(tmp_path / "Italy_lidar.mat", {"data": heights})
    scene = simulated_trento(tmp_path).scene
    assert scene.shape == (20, 28, 63)
    assert "simulated" in scene.name
    assert scene.title.startswith("Simulated Trento")
    assert np.array_equal(scene.reference, layout)
    assert scene.dsm is not None
    assert np.array_equal(scene.dsm, heights)
    assert list(scene.reference_names.values()) == ["Apple Trees", "Building", "Ground", "Woods", "Vineyard", "Roads"]


def test_a_packed_scene_is_the_scene(plots_folder: Path, tmp_path: Path) -> None:
    held = idtrees_scene(plots_folder)
    file = pack(held, tmp_path / "packed" / "plots.npz")
    assert is_packed(file)
    again = load_packed(file)
    window = (slice(0, 20), slice(0, 20))
    assert np.array_equal(again.scene.read(*window), held.scene.read(*window), equal_nan=True)
    assert np.array_equal(again.scene.dsm, held.scene.dsm, equal_nan=True)  # type: ignore[arg-type]
    assert np.array_equal(again.masks["plots"], held.masks["plots"])
    for name in ("id", "name", "title", "reference_names", "gsd_m", "citation"):
        assert getattr(again.scene, name) == getattr(held.scene, name)
    assert open_for_sweep(str(file)).scene.id == held.scene.id


@pytest.mark.slow
def test_the_command_runs_resumes_and_tabulates(
    plots_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")  # the command sets them: put them back afterwards
    file = pack(SweepScene(idtrees_scene(plots_folder).scene), tmp_path / "plots.npz")
    argv = [
        "run",
        str(tmp_path / "out"),
        "--scenes",
        str(file),
        "--methods",
        "knn",
        "lda",
        "--shots",
        "3",
        "--seeds",
        "2",
    ]
    assert few_shot.main([*argv, "--protocols", "random"]) == 0
    assert "4 done, 0 failed" in capsys.readouterr().err
    assert few_shot.main([*argv, "--protocols", "random"]) == 0
    assert "4 are there, 0 to do" in capsys.readouterr().err
    assert few_shot.main(["tables", str(tmp_path / "out"), "--baseline", "knn"]) == 0
    text = capsys.readouterr().out
    assert "Difference from knn" in text
    assert (tmp_path / "out" / "tables.tex").read_text().startswith("% IDTReeS")
    assert few_shot.main(["run", str(tmp_path / "x"), "--scenes", str(file), "--methods", "nothing"]) == 2
    assert pack_scenes.main([str(tmp_path), "no_such_scene"]) == 2


def test_published_figures_name_their_source_and_known_scenes() -> None:
    import json

    from hsi_studio.scene import catalog

    known = {entry.id for entry in catalog()}
    for entry in json.loads(few_shot.PUBLISHED.read_text(encoding="utf-8")):
        assert entry["scene"] in known
        assert entry["source"]
        assert {"method", "protocol", "shots", "oa", "aa", "kappa"} <= set(entry)


@pytest.mark.slow
def test_the_real_plots(shared_data: Path) -> None:
    folder = shared_data / "idtrees2020"
    if not folder.is_dir():
        pytest.skip("no IDTReeS plots in the data folder")
    outlines = sum(len(read_polygons(f)) for f in (folder / "ITC").glob("*.shp"))
    assert outlines == 1215
    held = idtrees_scene(folder)
    scene, mask = held.scene, held.masks["plots"]
    assert scene.valid.sum() == 85 * 400
    assert len(scene.reference_names) == 12
    for value in scene.reference_names:
        assert min(((scene.reference == value) & (mask == side)).sum() for side in (1, 2)) >= 40
