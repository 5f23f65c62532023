"""Collections: folders and tables of small labelled cubes, and splits that keep groups together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, FileProblem, SizeMismatch
from hsi_studio.scene.collection import Collection, has_classes, open_folder, open_table, open_unlabelled, split_images


def cube(seed: int, height: int = 6, width: int = 7, bands: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 0.6, (height, width, bands)).astype(np.float32)


def write_envi(path: Path, values: np.ndarray) -> None:
    """A BSQ cube with its header beside it."""
    h, w, b = values.shape
    path.write_bytes(np.ascontiguousarray(values.transpose(2, 0, 1)).tobytes())
    path.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {w}\nlines = {h}\nbands = {b}\nheader offset = 0\ndata type = 4\ninterleave = bsq\n"
        "byte order = 0\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from scipy.io import savemat

    root = tmp_path / "fruit"
    for name in ("apple", "pear"):
        (root / name).mkdir(parents=True)
    np.save(root / "apple" / "a1.npy", cube(1))
    savemat(root / "apple" / "a2.mat", {"cube": cube(2)})
    write_envi(root / "pear" / "p1.img", cube(3, 9, 8))
    np.save(root / "pear" / "p2.npy", cube(4))
    (root / "pear" / "notes.txt").write_text("picked on Monday")
    (root / "empty").mkdir()
    return root


def test_a_folder_a_class_in_every_format(folder: Path) -> None:
    found = open_folder(folder)
    assert found.schema.names == ["apple", "pear"]
    assert [image.path.name for image in found.images] == ["a1.npy", "a2.mat", "p1.img", "p2.npy"]
    assert found.label.tolist() == [0, 0, 1, 1]
    assert found.images[2].scene.shape == (9, 8, 5)
    np.testing.assert_array_equal(found.images[2].scene.read(slice(0, 9), slice(0, 8)), cube(3, 9, 8))
    assert found.notes == (
        "Without an image, so no class: empty.",
        "Left out, since no image can be read from it: notes.txt.",
    )
    assert len({image.group for image in found.images}) == 4


def test_refusals_say_what_is_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no such folder"):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(FileProblem, match="0 of its 0 subfolders"):
        open_folder(folder / "pear")
    np.save(folder / "pear" / "p3.npy", cube(5, bands=4))
    with pytest.raises(SizeMismatch, match=r"^pear/p3\.npy: it has 4 bands, apple/a1\.npy has 5"):
        open_folder(folder)


def test_a_table_names_images_classes_and_groups(tmp_path: Path) -> None:
    for n in range(4):
        np.save(tmp_path / f"{n}.npy", cube(n))
    rows = ["file,species,tree", "0.npy,oak,t1", "1.npy,oak,t1", "2.npy,elm,t2", "3.npy,oak,t3", "9.npy,ash,t4"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    found = open_table(tmp_path / "list.csv", image="file", label="species", group="tree")
    assert found.schema.names == ["elm", "oak"]
    assert found.label.tolist() == [1, 1, 0, 1]
    assert [image.group for image in found.images] == ["t1", "t1", "t2", "t3"]
    assert found.notes == ("1 image of the table not there: 9.npy.",)
    with pytest.raises(BadRequest, match=r"no column 'plant'. It has: file, species, tree"):
        open_table(tmp_path / "list.csv", image="file", label="plant")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_as_spreadsheets_write_it(tmp_path: Path, separator: str) -> None:
    for n in range(4):
        np.save(tmp_path / f"{n}.npy", cube(n))
    rows = ["file,species,tree", "0.npy, oak ,t1", "1.npy,oak", "", "2.npy,Fächer,t2", "3.npy,,t2", "0.npy,oak,t1"]
    (tmp_path / "list.csv").write_text("\r\n".join(rows).replace(",", separator), encoding="utf-8-sig")
    found = open_table(tmp_path / "list.csv", image="file", label="species", group="tree")
    assert [(image.path.name, image.group) for image in found.images] == [
        ("0.npy", "t1"), ("1.npy", "1.npy"), ("2.npy", "t2"),
    ]  # fmt: skip
    assert found.schema.names == ["Fächer", "oak"]
    assert found.notes == ("1 image of the table without a class: 3.npy.",)


def test_a_table_that_gives_an_image_two_classes_is_refused(tmp_path: Path) -> None:
    for n in range(2):
        np.save(tmp_path / f"{n}.npy", cube(n))
    (tmp_path / "list.csv").write_text("file,species\n0.npy,oak\n1.npy,elm\n0.npy,elm\n")
    with pytest.raises(FileProblem, match=r"0\.npy two classes, oak and elm"):
        open_table(tmp_path / "list.csv", image="file", label="species")


def test_wavelengths_have_to_agree_too(folder: Path) -> None:
    def write(name: str, first: float) -> None:
        write_envi(folder / name, cube(9))
        header = (folder / name).with_suffix(".hdr")
        nm = ", ".join(str(first + 10 * k) for k in range(5))
        header.write_text(header.read_text() + f"wavelength units = Nanometers\nwavelength = {{{nm}}}\n")

    write("apple/a3.img", 400)
    write("pear/p3.img", 404)
    assert open_folder(folder).notes[-1].startswith("Whether these have the wavelengths of the others is not known")
    write("pear/p4.img", 1000)
    with pytest.raises(SizeMismatch, match=r"^pear/p4\.img: its band 1 is at 1000\.0 nm, in apple/a3\.img at 400\.0"):
        open_folder(folder)


def test_an_image_with_its_header_counts_once_whatever_its_ending(tmp_path: Path) -> None:
    """Counted twice, it would train and test."""
    for name in ("apple", "pear"):
        for n, ending in enumerate((".bin", ".img", "")):
            (tmp_path / name).mkdir(exist_ok=True)
            write_envi(tmp_path / name / f"i{n}{ending}", cube(n + 10 * len(name)))
    found = open_folder(tmp_path)
    assert [image.path.name for image in found.images] == ["i0.bin", "i1.img", "i2"] * 2
    assert found.notes == ()
    (tmp_path / "pear" / "alone.hdr").write_text("ENVI\nsamples = 1\n")
    with pytest.raises(FileProblem, match=r"^pear/alone\.hdr: its data file is missing"):
        open_folder(tmp_path)


def test_what_is_there_twice_never_tests_itself(tmp_path: Path) -> None:
    for k, name in enumerate(("apple", "pear")):
        (tmp_path / name).mkdir()
        for n in range(4):
            np.save(tmp_path / name / f"{n}.npy", cube(10 * k + n))
    np.save(tmp_path / "pear" / "again.npy", cube(13))  # as pear/3.npy
    np.save(tmp_path / "pear" / "other.npy", cube(2))  # as apple/2.npy
    found = open_folder(tmp_path)
    names = [image.path.name for image in found.images if image.label]
    assert names == ["0.npy", "1.npy", "2.npy", "3.npy", "other.npy"]
    assert found.notes == (
        "Same content as another image of the class, so counted once: pear/again.npy.",
        "Same content in two classes, one of which is wrong: pear/other.npy (apple and pear).",
    )
    of = [image.scene.id for image in found.images]
    for seed in range(20):
        train, test = split_images(found, 2, seed)
        assert not {of[n] for n in train} & {of[n] for n in test}


def test_a_folder_without_classes_can_be_classified(folder: Path, tmp_path: Path) -> None:
    assert has_classes(folder)
    assert has_classes(tmp_path / "nowhere")  # `open_folder` says so
    assert not has_classes(folder / "pear")
    found = open_unlabelled(folder / "pear")
    assert [image.path.name for image in found.images] == ["p1.img", "p2.npy"]
    assert found.schema.names == [""]
    np.save(folder / "pear" / "copy.npy", cube(4))
    assert len(open_unlabelled(folder / "pear")) == 3  # each gets an answer
    with pytest.raises(FileProblem, match="no image in it"):
        open_unlabelled(folder / "empty")


def many(tmp_path: Path, groups: bool) -> Collection:
    rows = ["file,species,tree"]
    for n in range(24):
        np.save(tmp_path / f"{n}.npy", cube(n))
        rows.append(f"{n}.npy,{'abc'[n % 3]},{n % 12}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return open_table(tmp_path / "list.csv", image="file", label="species", group="tree" if groups else None)


def test_groups_never_stand_on_both_sides(tmp_path: Path) -> None:
    collection = many(tmp_path, groups=True)
    for seed in range(5):
        train, test = split_images(collection, 2, seed)
        of = np.array([image.group for image in collection.images])
        assert not set(of[train]) & set(of[test])
        assert sorted([*train, *test]) == list(range(24))
        assert np.bincount(collection.label[train]).tolist() == [4, 4, 4]  # two groups of two images a class


def test_draws_depend_on_the_seed_alone_and_leave_a_group_to_test(tmp_path: Path) -> None:
    collection = many(tmp_path, groups=False)
    first, again, other = (split_images(collection, 3, seed)[0].tolist() for seed in (0, 0, 1))
    assert first == again != other
    train, test = split_images(collection, 100, 0)
    assert np.bincount(collection.label[test]).tolist() == [1, 1, 1]
    assert train.size == 21


def test_images_whose_axes_cannot_be_told_are_read_by_habit_and_named(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("apple", "pear"):
        (tmp_path / name).mkdir()
        pattern = 1.4 * rng.standard_normal(15)
        np.save(tmp_path / name / f"{name}.npy", 50 + rng.standard_normal((20, 18, 15)) + pattern)
    found = open_folder(tmp_path)
    assert [image.scene.shape for image in found.images] == [(20, 18, 15)] * 2
    assert found.notes[-1].startswith("2 images do not say which axis is the spectral one")
    assert found.notes[-1].endswith("apple.npy and pear.npy.")
