"""Tables that were written down by hand: digits stay, spreads and intervals are read where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import measured
from benchmarks.measured import Value
from hsi_studio.errors import CorruptFile


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(measured, "FOLDER", tmp_path)
    text = "method,OA,OA ±,gain,gain low,gain high,MB\nlive,83.40,3.2,-0.4,-1.2,0.3,1107\nsvm,45.7,,+0.1,,,904\n"
    (tmp_path / "made.csv").write_text(text, encoding="utf-8")
    return tmp_path / "made.csv"


@pytest.mark.usefixtures("made")
def test_a_table_keeps_the_digits_and_joins_what_belongs_together() -> None:
    assert measured.table("made") == [
        "| method | OA | gain | MB |",
        "|---|---|---|---|",
        "| live | 83.40 ± 3.2 | −0.4 (−1.2 to 0.3) | 1,107 |",
        "| svm | 45.7 | +0.1 | 904 |",
    ]


@pytest.mark.usefixtures("made")
def test_a_value_has_its_deviation_or_its_interval() -> None:
    live, svm = measured.read("made")
    assert measured.value(live, "OA") == Value(83.4, pytest.approx(80.2), pytest.approx(86.6))
    assert measured.value(live, "gain") == Value(-0.4, -1.2, 0.3)
    assert measured.value(svm, "gain") == Value(0.1)


def test_what_was_not_measured_is_a_dash_and_no_number(made: Path) -> None:
    made.write_text("method,gain,gain low,gain high\nlive,,,\n", encoding="utf-8")
    assert measured.table("made")[-1] == "| live | – |"
    found = measured.value(measured.read("made")[0], "gain")
    assert np.isnan(found.value)
    assert found.low is None


def test_a_line_with_a_field_too_many_is_refused(made: Path) -> None:
    made.write_text("method,MB\nlive,1,107\n", encoding="utf-8")
    with pytest.raises(CorruptFile, match="not every line has 2 fields"):
        measured.read("made")


def test_every_stored_table_can_be_read_and_has_an_interval_around_its_value() -> None:
    for name in measured.every_name():
        for line in measured.read(name):
            for column in (c.removesuffix(" low") for c in line if c.endswith(" low")):
                found = measured.value(line, column)
                assert found.low is None or found.high is None or found.low <= found.value <= found.high, (name, line)
