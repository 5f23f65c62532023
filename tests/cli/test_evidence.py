"""Accuracy, areas and certificates from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main
from tests.studio.shown import RUN, add_run, project_with_reference

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_a_run_against_the_live_map_and_a_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_home = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = project_with_reference(with_home, tmp_path / "data")
    add_run(with_home, project)
    with_home.close()
    layer = f"run:{RUN}"
    assert main(["evidence", project.id, "--layer", layer, "--against", "live", "--json", "-"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["accuracy"]["main"]["confusion"] is not None
    assert value["against"]["difference"]["value"] < 0
    assert "on the same" in value["against"]["words"]
    assert sum(one["pixels"] for one in value["areas"]) == 30 * 29
    assert main(["evidence", project.id, "--layer", layer, "--against", "live"]) == 0
    low, high = (100 * value["against"]["difference"][key] for key in ("low", "high"))
    assert f"points (95 % interval {low:+.1f} to {high:+.1f}) on the same" in capsys.readouterr().out
    file = tmp_path / "sample.gpkg"
    assert main(["certify", project.id, "--layer", layer, "--target-se", "0.08", "--out", str(file)]) == 0
    assert "No pixel of" in capsys.readouterr().err
    assert file.is_file()
    assert main(["certify", "nobody"]) == 2
    assert "There is no project" in capsys.readouterr().err
