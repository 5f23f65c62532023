from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import LabelProblem
from hsi_studio.io.palette import next_color, palette
from hsi_studio.sanitize import clean_color, clean_name, slug

# Machado, Oliveira & Fernandes 2009, severity 1.0 (linear RGB)
SIGHT = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def _lab(colors: list[str], sight: str) -> np.ndarray:
    from skimage.color import rgb2lab

    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colors]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.array(SIGHT[sight]).T
    linear = linear.clip(0, 1)
    seen = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(seen[None])[0])


@pytest.mark.parametrize(("sight", "apart"), [("normal", 20.0), ("protan", 12.0), ("deutan", 12.0)])
def test_colours_stay_apart(sight: str, apart: float) -> None:
    lab = _lab(palette(24), sight)
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e3 * np.eye(24)
    assert distance.min() > apart  # a just noticeable difference is about 2.3


def test_any_number_of_different_colours() -> None:
    colors = palette(300)
    assert len(set(colors)) == 300
    assert all(clean_color(c) == c for c in colors)
    assert palette(5) == colors[:5]
    assert next_color(palette(3)) == palette(4)[3]
    assert next_color([palette(2)[1]]) == palette(1)[0]


def test_names_and_file_names() -> None:
    assert clean_name(" a\tb\r\n c\x07 \u202egnp ") == "a b c gnp"
    assert clean_name("e\u0301") == "é"
    assert clean_name("</script> \"q\", 'x'") == "</script> \"q\", 'x'"
    assert clean_color("ABC") == "#aabbcc"
    with pytest.raises(LabelProblem):
        clean_color("#12345")
    assert slug("../Bäume & Wiesen/2024") == "Baume-Wiesen-2024"
    assert slug("..") == slug("日本") == slug("NUL") == "scene"


@pytest.mark.timeout(60)
def test_thousands_of_classes_get_thousands_of_colours() -> None:
    colors = palette(20_000)  # more than there are hues
    assert len(set(colors)) == 20_000
    assert palette(2_000) == colors[:2_000]
    used: list[str] = []
    for _ in range(2_000):
        used.append(next_color(used))
    assert used == colors[:2_000]
