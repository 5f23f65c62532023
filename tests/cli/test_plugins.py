"""`methods` and `formats`: a line each, plug-ins with where they come from, problems beside the list and not in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.cli import plugins
from hsi_studio.cli.main import main
from hsi_studio.methods import methods
from hsi_studio.scene.formats.registry import readers
from hsi_studio.studio import plugins as known


@pytest.mark.parametrize(("command", "registry"), [("methods", methods), ("formats", readers)])
def test_a_line_begins_with_the_name_that_other_commands_take(
    command: str, registry: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == list(registry().entries)  # type: ignore[operator]
    assert names


def test_only_what_comes_from_outside_says_where_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert plugins._list([("live", "Live", ""), ("toy", "A toy", "package hsi-toys 1.0")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["live", "Live"]
    assert second.endswith("A toy  [package hsi-toys 1.0]")


def test_a_problem_does_not_spoil_a_list_that_is_piped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(known, "problems", lambda: ["toy.py cannot be imported.", "grid.py has no READER."])
    assert main(["methods"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["problem: toy.py cannot be imported.", "problem: grid.py has no READER."]
    assert "problem" not in captured.out
