"""`backup` and `restore` from a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main
from tests.studio.models import labelled, scene_file


def test_a_backup_is_restored_in_another_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studio = Studio()  # of the environment, as the command line's
    project = labelled(studio, scene_file(tmp_path / "data"))
    file, other = tmp_path / "all.zip", tmp_path / "other"
    assert main(["backup", "--to", str(file)]) == 0
    told = capsys.readouterr()
    assert "1 project," in told.out
    assert "two_halves.npy is not in the backup: keep that file too" in told.err
    assert main(["restore", str(file), "--home", str(other)]) == 0
    assert capsys.readouterr().out == f"{project.id}: two_halves, 8 actions\n"
    assert Studio(home=other).project(project.id).points == project.points
    assert main(["restore", str(file), "--home", str(other)]) == 0
    assert capsys.readouterr().out == f"{project.id} (left as it is): two_halves, 8 actions\n"
    assert main(["backup", project.id, "--to", str(file)]) == 2
    assert "backups are never replaced" in capsys.readouterr().err
    assert main(["backup", "gone", "--to", str(tmp_path / "x.zip")]) == 2
    assert main(["restore", str(tmp_path / "none.zip")]) == 2
    studio.close()
