"""What the commands share: parameters from text, reports, progress that does not flood a log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from hsi_studio.cli.common import params, positive, progress, report
from hsi_studio.errors import BadRequest
from hsi_studio.types import Progress


def test_parameters_are_json_or_text() -> None:
    given = ["epochs=40", "use_dsm=false", "channels=[8, 16]", "template=a {class} field", "x=a=b"]
    assert params(argparse.Namespace(param=given)) == {
        "epochs": 40, "use_dsm": False, "channels": [8, 16], "template": "a {class} field", "x": "a=b",
    }  # fmt: skip
    with pytest.raises(BadRequest, match="NAME=VALUE"):
        params(argparse.Namespace(param=["epochs"]))


def test_counts_begin_at_one() -> None:
    assert positive("1") == 1
    with pytest.raises(argparse.ArgumentTypeError, match="0 is not"):
        positive("0")


def test_a_report_goes_to_a_file_or_alone_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {"oa": 84.2, "class": "Grünland"}
    assert not report(None, value)
    assert not report(str(tmp_path / "out.json"), value)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == value
    assert capsys.readouterr().out == ""
    assert report("-", value)
    assert json.loads(capsys.readouterr().out) == value


def test_progress_on_a_log_is_a_line_a_stage_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress()
    for step in range(100):
        show(Progress("Training", step, 100, 200.0))
    show(Progress("Mapping", 0, 1))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["Training   0 %, 3 min left", "Mapping   0 %"]
