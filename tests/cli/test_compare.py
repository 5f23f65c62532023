"""`compare`: what is handed on to the studio, and what is printed of what came out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hsi_studio.cli import compare
from hsi_studio.cli.main import main


class Compared:
    """In place of `studio.compare`: takes note, fits nothing."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def side(self, text: str) -> str:
        return text.upper()

    def plan_on(self, *given: Any) -> str:
        self.asked["plan"] = given
        return "the plan"

    def run(self, scene: str, plan: str, folder: Path, progress: Any, device: str) -> SimpleNamespace:
        self.asked["run"] = (scene, plan, folder, device)
        return SimpleNamespace(headline="p5 beats p1 by 3 points.", sentences=("p5 beats p1", "Kappa agrees."))

    def report_on(self, made: Any, folder: Path) -> list[Path]:
        return [folder / "comparison-report.md", folder / "comparison-report.html"]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    made = Compared()
    monkeypatch.setattr(compare, "opened", lambda args: (SimpleNamespace(compare=made), f"scene {args.scene}"))
    return made


def test_arms_keep_their_order_and_the_pace_is_quick_unless_said(compared: Compared) -> None:
    assert main(["compare", "fields", "--arm", "curated:p5", "--arm", "lda"]) == 0
    assert compared.asked["plan"] == ("scene fields", ["CURATED:P5", "LDA"], 5, "quick", None)
    assert compared.asked["run"] == ("scene fields", "the plan", Path("comparison"), "cpu")
    more = ["--shots", "20", "--pace", "thorough", "--seeds", "3", "--out", "words", "--device", "cuda"]
    assert main(["compare", "fields", "--arm", "lda", "--arm", "knn", *more]) == 0
    assert compared.asked["plan"][2:] == (20, "thorough", 3)
    assert compared.asked["run"][2:] == (Path("words"), "cuda")


def test_the_headline_is_not_said_twice_and_the_report_is_named(
    compared: Compared, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "fields", "--arm", "lda", "--arm", "knn", "--out", "words"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "", "p5 beats p1 by 3 points.", "- Kappa agrees.",
        str(Path("words/comparison-report.md")), str(Path("words/comparison-report.html")),
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [[], ["--arm", "lda", "--pace", "slow"], ["--arm", "lda", "--shots", "few"]])
def test_a_comparison_without_arms_or_with_an_unknown_pace_is_not_begun(compared: Compared, wrong: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "fields", *wrong])
    assert compared.asked == {}
