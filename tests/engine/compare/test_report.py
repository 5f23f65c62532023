"""The report says what the comparison says, and shows strange names as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.engine.compare.plan import Arm, make_plan
from hsi_studio.engine.compare.report import markdown, page, points, seeds_needed, write_report
from hsi_studio.engine.compare.results import Comparison, Gap
from hsi_studio.engine.compare.runner import run_comparison
from hsi_studio.methods import methods
from hsi_studio.methods.contract import Context
from tests.engine.fake import separable_scene
from tests.engine.wordy import WordyMethod

NASTY = "<b>p5</b> | `x` *y*"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    entries = methods().entries
    entries["wordy"] = WordyMethod()
    try:
        names = ["Stripe 1", "Stripe 2", "Stripe 3"]
        arms = [
            Arm(name="plain", method="wordy", words="p1", sentences={n: (f"a {n}",) for n in names}),
            Arm(name=NASTY, method="wordy", words="own", sentences=dict.fromkeys(names, ("<script>x()</script>",))),
        ]
        plan = make_plan({"arms": [a.model_dump() for a in arms], "shots": 4, "seeds": (0, 1, 2), "buffer_px": 2})
        return run_comparison(plan, tmp_path_factory.mktemp("c"), Context(), separable_scene(noise=0.8))
    finally:
        del entries["wordy"]


def test_markdown_has_every_figure_and_its_protocol(compared: Comparison) -> None:
    text = markdown(compared)
    for heading in (
        "Result",
        "Accuracy",
        "Differences",
        "Do the words help?",
        "Classes",
        "McNemar's test",
        "Made with",
    ):
        assert f"## {heading}\n" in text
    (random,) = [d for d in compared.differences if d.protocol == "random"]
    assert points(random.oa).replace("[", r"\[").replace("]", r"\]") in text
    assert "4 labelled pixels a class" in text
    assert "0 … 2" in text
    assert "buffered:2" in text
    assert "Student's t" in text
    assert "hsi\\_studio" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.replace(r"\|", "").count("|") >= 3 for row in rows)


def test_names_cannot_break_out(compared: Comparison) -> None:
    text, shown = markdown(compared), page(compared)
    assert NASTY not in text
    assert r"\<b\>p5\</b\> \| \`x\` \*y\*" in text
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "&lt;b&gt;p5&lt;/b&gt;" in shown
    assert "http" not in shown  # nothing is fetched


def test_both_files_are_written(compared: Comparison, tmp_path: Path) -> None:
    files = write_report(compared, tmp_path, "r")
    assert [f.name for f in files] == ["r.md", "r.html"]
    assert all(f.stat().st_size > 1000 for f in files)


def test_points_and_seeds_in_words() -> None:
    assert points(Gap(value=-1.25, low=-2.0, high=0.5, n=5)) == "−1.2 [−2.0, 0.5]"
    assert points(Gap(value=1.0, n=1)) == "+1.0"
    assert points(None) == "–"
    assert seeds_needed(Gap(value=1.0, low=0.5, high=1.5, n=9)) == "–"
    assert seeds_needed(Gap(value=1.0, low=-0.5, high=1.5, n=9, needed=30)) == "about 30"
    assert seeds_needed(Gap(value=1.0, low=-0.5, high=1.5, n=9)) == "more than 1,000"
