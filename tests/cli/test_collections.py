"""`collection`: the table says what its figures are of, files of sentences are checked, one way to split at a time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.cli.collections import FIGURES, _prompts, add_commands, table
from hsi_studio.errors import BadRequest, FileProblem


def result(**changes: Any) -> dict[str, Any]:
    """What `ImageResult.to_json` gives, as far as the table reads it."""
    figure = {"mean": 91.256, "std": 2.5}
    return {
        "collection": "knees", "method": "s3fn", "shots": 5, "folds": None, "classes": ["sound", "torn"],
        "seeds": [{"n_train": 9, "n_test": n} for n in (10, 13)], "summary": {key: figure for key, _ in FIGURES},
        "positive": "torn", "transductive": False, "left_out": [], **changes,
    }  # fmt: skip


def test_figures_are_means_over_seeds_with_their_deviation() -> None:
    lines = table(result())
    assert lines[0] == "\nknees: s3fn, 5 shots a class, 2 seeds, 2 classes, 9 images to train on and 12 to test on"
    assert lines[1].split() == ["ACC", "%", "91.26", "±", "2.50"]
    assert lines[-1] == "  AUC, SE and SP are of “torn”."
    alone = table(result(seeds=result()["seeds"][:1], shots=1))
    assert "1 shot a class, 1 seed, " in alone[0]
    assert alone[1].split() == ["ACC", "%", "91.26"]  # of one draw no deviation is known


def test_what_is_not_known_or_left_out_is_said() -> None:
    unknown = {key: {"mean": None, "std": None} for key, _ in FIGURES}
    said = table(result(shots=None, folds=4, summary=unknown, positive="", transductive=True, left_out=["rare"]))
    assert "4 folds" in said[0]
    assert all("not known" in line for line in said[1 : 1 + len(FIGURES)])
    assert "the means over classes" in said[-3]
    assert said[-2] == "  Stage 1 saw the test images, without their labels."
    assert said[-1].endswith("images of one group only: rare.")


@pytest.mark.parametrize("text", ['["a"]', '{"torn": "a knee"}', '{"torn": []}', '{"torn": [" "]}', '{"torn": [1]}'])
def test_sentences_are_a_list_a_class(tmp_path: Path, text: str) -> None:
    file = tmp_path / "words.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadRequest, match=r"words\.json: write"):
        _prompts(str(file))
    file.write_text('{"torn": ["a torn knee"]', encoding="utf-8")
    with pytest.raises(FileProblem, match="not JSON"):
        _prompts(str(file))
    file.write_text('{"torn": ["Grünes Knie"]}', encoding="utf-8")
    assert _prompts(str(file)) == {"torn": ["Grünes Knie"]}
    assert _prompts(None) is None


def test_images_are_split_one_way_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    args = parser.parse_args(["collection", "knees"])
    assert (args.shots, args.folds, args.seeds) == (None, None, 5)
    for wrong in (["--shots", "5", "--folds", "4"], ["--save", "a", "--model", "b"], ["--folds", "0"]):
        with pytest.raises(SystemExit):
            parser.parse_args(["collection", "knees", *wrong])
        assert capsys.readouterr().err
