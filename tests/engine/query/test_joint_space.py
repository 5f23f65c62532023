"""Texts and labelled pixels in a trained DiffCLIP's space, from the run's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.query.joint_space import PIXELS, joint_space, newest_model
from hsi_studio.errors import Cancelled
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.text.prompts import prompt_set
from hsi_studio.text.similarity import joint_plane
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet
from tests.project.small import small_scene


def test_no_runs_no_model(tmp_path: Path) -> None:
    assert newest_model(tmp_path / "runs", small_scene()) is None
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    (tmp_path / "runs" / "r1" / "model.safetensors").write_bytes(b"nonsense")
    assert newest_model(tmp_path / "runs", small_scene()) is None


@pytest.mark.slow
def test_a_trained_model_gives_both_sides(tmp_path: Path) -> None:
    from hsi_studio.engine.models.checkpoint import CheckpointFacts, write_checkpoint

    scene = small_scene(24, 24, 6)
    schema = ClassSchema((ClassInfo("a" * 32, "Meadow", "#111111"), ClassInfo("b" * 32, "Water", "#222222")))
    row, col = np.arange(20) % 20 + 2, np.arange(20) % 20 + 2
    labels = LabelSet(schema, row, col, (np.arange(20) % 2).astype(np.int64))
    method = get_method("diffclip")
    params = make_params(method.Params, method.test_params)
    fitted = method.fit(scene.without_reference(), labels, prompt_set(schema, "p1"), params, Context())
    facts = CheckpointFacts.model_validate({
        "method": "diffclip", "params": params.model_dump(mode="json"), "seed": 0,
        "classes": [{"id": c.id, "name": c.name, "color": c.color} for c in schema.classes],
        "scene": {"id": scene.id, "name": scene.name, "bands": 6, "wavelength_nm": None},
    })  # fmt: skip
    file = tmp_path / "runs" / "r1" / "model.safetensors"
    write_checkpoint(file, fitted.state(), facts)
    assert newest_model(tmp_path / "runs", scene) == file
    only_meadow = LabelSet(ClassSchema(schema.classes[:1]), row[::2], col[::2], labels.label[::2])
    found = joint_space(file, scene, only_meadow)
    assert found.counts == (PIXELS, 0)
    assert np.linalg.norm(found.means[0]) == pytest.approx(1, abs=1e-4)
    assert np.isnan(found.means[1]).all()
    assert np.allclose(np.linalg.norm(found.prototypes, axis=1), 1, atol=1e-3)
    texts, pixels, shown = joint_plane(found.prototypes, found.means)
    assert np.isfinite(texts).all()
    assert np.isfinite(pixels[0]).all()
    assert shown > 0.99  # three points lie in a plane

    def stop() -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        joint_space(file, scene, labels, stop)
