"""A small sample of the fuzz job: every target, seeded; nothing untyped, nothing outside, and it can go on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz.__main__ import Unforeseen, main, read_counts
from benchmarks.fuzz.mutate import mutated, odd_value
from benchmarks.fuzz.targets import TARGETS


def test_an_input_is_the_same_for_the_same_number() -> None:
    def made(number: int) -> bytes:
        rng = np.random.default_rng([0, 1, number])
        return mutated(b'{"row": 12, "name": "corn"}' * 9, rng, True) + repr(odd_value(rng)).encode()

    assert made(3) == made(3)
    assert len({made(number) for number in range(50)}) > 45


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "routes"])
def test_a_sample_of_hostile_inputs_is_answered(name: str, tmp_path: Path) -> None:
    """Other seeds than the job's."""
    secret = tmp_path / "secret.bin"
    np.full(4000, 1234.5, dtype="<f4").tofile(secret)
    target, heard = TARGETS[name](tmp_path / "work", secret), Unforeseen()
    import logging

    logging.getLogger("hsi_studio").addHandler(heard)
    try:
        outcomes = {target(np.random.default_rng([99, number])) for number in range(10 if name == "projects" else 40)}
    finally:
        logging.getLogger("hsi_studio").removeHandler(heard)
    assert outcomes & {"refused", "answered"}
    assert heard.seen == []


@pytest.mark.slow
def test_the_job_counts_and_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--target", "parameters", "--minutes", "3", "--out", str(tmp_path)]
    assert main(["--inputs", "100", *options]) == 0
    assert json.loads(capfd.readouterr().out)["inputs"] == 13  # its share of 100
    main(["--inputs", "200", *options])
    assert sum(read_counts(tmp_path)["parameters"].values()) == 26
