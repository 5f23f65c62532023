"""Public collections fetched by hand: what to fetch is said; what lies there is read with labels and wavelengths."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hsi_studio import settings
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.scene import image_sets
from hsi_studio.scene.download import folder
from hsi_studio.studio.facade import Studio
from tests.scene import fake

NM = np.linspace(400, 1000, 8).tolist()


def deephs(root):
    """Three kiwis from two sides and an avocado, in the layout of DeepHS-Fruit; one image is missing."""
    records, annotations = [], []
    images = [("Kiwi", f"kiwi_day_m2_0{day}_0{piece}_{side}") for piece, day in ((1, 1), (2, 2), (3, 3))
              for side in ("front", "back")]  # fmt: skip
    for number, (fruit, name) in enumerate([*images, ("Avocado", "avocado_day_03_13_front")]):
        place = root / fruit / "VIS" / "day"
        place.mkdir(parents=True, exist_ok=True)
        if number != 5:
            fake.envi(place, fake.cube(12, 11, seed=number), "bip", name=name, extension=".bin")
        files = {"header_file": f"{fruit}/VIS/day/{name}.hdr", "data_file": f"{fruit}/VIS/day/{name}.bin"}
        records.append({"id": number, "fruit": fruit, "camera_type": "VIS", "files": files})
        state = "unknown" if number == 6 else ("unripe", "perfect", "overripe")[number // 2]
        annotations.append({"record_id": number, "ripeness_state": state, "firmness": 1200})
    told = {"cameras": [{"id": "VIS", "wavelengths": NM}], "records": records, "annotations": annotations}
    (root / "annotations").mkdir()
    (root / "annotations" / "train_only_labeled_v2.json").write_text(json.dumps(told), "utf-8")


def test_what_to_fetch_by_hand_is_said():
    for known in image_sets.image_sets():
        with pytest.raises(FileProblem, match="fetched by hand") as caught:
            image_sets.open_set(known.id)
        assert known.where in str(caught.value)
        assert str(folder(known.id)) in str(caught.value)
        assert known.citation
    with pytest.raises(BadRequest, match="deephs_fruit"):
        image_sets.open_set("apples")


@pytest.mark.parametrize("mirror", [False, True])
def test_deephs_is_read_by_its_annotations(tmp_path, monkeypatch, mirror):
    root = tmp_path / "shelf" / "deephs_fruit" if mirror else folder("deephs_fruit")
    deephs(root)
    if mirror:
        monkeypatch.setenv(settings.MIRROR.name, str(tmp_path / "shelf"))
    found = Studio().collections.open("deephs_fruit", ["ripeness_state", "VIS", "Kiwi"])
    assert found.schema.names == ["overripe", "perfect", "unripe"]
    assert [found.schema.names[k] for k in found.label] == ["unripe"] * 2 + ["perfect"] * 2 + ["overripe"]
    assert [image.group for image in found.images] == ["kiwi 2 01"] * 2 + ["kiwi 2 02"] * 2 + ["kiwi 2 03"]
    assert found.images[0].scene.bands.wavelength_nm == pytest.approx(NM)
    assert "1 images of the annotations are not there" in " ".join(found.notes)


def test_what_cannot_be_read_is_said():
    root = folder("deephs_fruit")
    deephs(root)
    with pytest.raises(BadRequest, match="VIS"):
        image_sets.open_set("deephs_fruit", ["ripeness_state", "NIR"])
    with pytest.raises(FileProblem, match="choose another measure: ripeness_state"):
        image_sets.open_set("deephs_fruit", ["sugar"])
    (root / "annotations" / "broken_v2.json").write_text('{"records": 3}')
    with pytest.raises(CorruptFile, match="no annotations of DeepHS"):
        image_sets.open_set("deephs_fruit")


def test_a_set_without_annotations_is_a_folder_a_class():
    for name in ("normal", "defective"):
        place = folder("hyperspectral_blueberries") / name
        place.mkdir(parents=True)
        fake.envi(place, fake.cube())
    assert len(image_sets.open_set("hyperspectral_blueberries")) == 2
