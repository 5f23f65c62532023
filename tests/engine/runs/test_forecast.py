"""Forecasts: more work takes longer, runs that ended correct them, cached work counts as done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.engine.runs.forecast import Forecast, Forecaster, Request, Speed, measure
from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method, methods


def request(method: str = "diffclip", shots: int = 5, side: int = 100, scene: str = "s", **params: Any) -> Request:
    values = get_method(method).Params(**params).model_dump(mode="json")
    return Request(method, values, scene, (side, side, 100), 4 * shots, 4, "cpu", "this processor")


@pytest.fixture
def forecaster(tmp_path: Path) -> Forecaster:
    made = Forecaster(tmp_path)
    made._speed = Speed(50.0, 1e-5)
    return made


def real(made: Forecaster, asked: Request, factor: float) -> dict[str, float]:
    """What a machine would take that is `factor` times slower than computed."""
    return {phase: factor * seconds for phase, seconds in made._computed(asked).items()}


@pytest.mark.parametrize("name", sorted(methods().entries))
def test_work_of_every_method_grows_with_the_scene_and_never_shrinks_with_labels(name: str) -> None:
    params = get_method(name).Params().model_dump(mode="json")
    small = get_method(name).work(params, (50, 50, 100), 10, 4)
    large = get_method(name).work(params, (200, 200, 100), 10, 4)
    many = get_method(name).work(params, (50, 50, 100), 1000, 4)
    assert large["predict"] > small["predict"]
    assert many["fit"] > small["fit"]
    assert all(value >= 0 for work in small.values() for value in work)


def test_more_epochs_more_members_and_a_finer_map_take_longer(forecaster: Forecaster) -> None:
    seconds = forecaster.forecast(request()).seconds
    for more in ({"epochs": 600}, {"members": 6}, {"stride": 1}, {"pretrain_epochs": 300}):
        assert forecaster.forecast(request(**more)).seconds > seconds


def test_a_first_forecast_says_that_it_is_a_guess(forecaster: Forecaster) -> None:
    found = forecaster.forecast(request())
    assert "guess" in found.basis
    assert found.seconds == pytest.approx(sum(found.phases.values()), abs=0.01)
    assert Forecast.from_json(found.to_json()) == found
    assert Forecast.from_json({"seconds": "soon"}) is None
    with pytest.raises(BadRequest):
        forecaster.forecast(replace(request(), method="magic"))


def test_runs_that_ended_correct_the_next_forecast(forecaster: Forecaster) -> None:
    past = request(scene="a")
    forecaster.add(past, real(forecaster, past, 3.0), 900.0)
    again = forecaster.forecast(past)
    assert "1 earlier run like it" in again.basis
    assert again.phases["fit"] == pytest.approx(real(forecaster, past, 3.0)["fit"], rel=0.01)
    assert again.peak_mb == pytest.approx(900, rel=0.01)
    other = request(scene="b", side=150, shots=20, epochs=120)
    found = forecaster.forecast(other)
    assert found.seconds == pytest.approx(sum(real(forecaster, other, 3.0).values()), rel=0.01)


def test_nearer_runs_weigh_more(forecaster: Forecaster) -> None:
    far, near = request(scene="a", side=400, epochs=900), request(scene="b")
    forecaster.add(far, real(forecaster, far, 9.0), 900.0)
    forecaster.add(near, real(forecaster, near, 2.0), 900.0)
    mine = request(scene="b", shots=6)
    found = forecaster.forecast(mine).phases["fit"]
    assert found == pytest.approx(real(forecaster, mine, 2.0)["fit"], rel=0.1)


def test_label_free_work_in_the_cache_is_not_counted_again(forecaster: Forecaster) -> None:
    past = request(scene="a")
    cold = forecaster.forecast(past)
    forecaster.add(past, real(forecaster, past, 1.0), 900.0)
    warm = forecaster.forecast(request(scene="a", epochs=61))
    assert warm.phases["prepare"] < 0.1 * cold.phases["prepare"]
    assert forecaster.forecast(request(scene="other")).phases["prepare"] > 0.5 * cold.phases["prepare"]
    assert forecaster.forecast(request(scene="a", pretrain_epochs=31)).phases["prepare"] > 0.5 * cold.phases["prepare"]


def test_other_methods_and_devices_teach_nothing(forecaster: Forecaster) -> None:
    past = replace(request(), device="another processor")
    forecaster.add(past, real(forecaster, past, 9.0), 900.0)
    forecaster.add(request("svm"), real(forecaster, request("svm"), 9.0), 900.0)
    assert "guess" in forecaster.forecast(request()).basis


def test_torn_and_foreign_lines_are_passed_over(forecaster: Forecaster) -> None:
    past = request()
    forecaster.add(past, real(forecaster, past, 2.0), 900.0)
    line = forecaster.timings.read_bytes()
    value = json.loads(line)
    odd = [
        {**value, "method": "gone"}, {**value, "params": {}}, {**value, "shape": [0, 1]}, {**value, "phases": 3}, [],
    ]  # fmt: skip
    more = b"".join(json.dumps(one).encode() + b"\n" for one in odd)
    forecaster.timings.write_bytes(line + b"\xff\n" + more + line[:40])
    assert len(forecaster.history()) == 1


def test_the_machines_speed_is_measured_once_and_kept(tmp_path: Path) -> None:
    first = Forecaster(tmp_path).speed()
    assert first.gflops > 0
    assert first.call_s > 0
    assert Forecaster(tmp_path).speed() == first
    (tmp_path / "speed.json").write_text('{"cpu": "another", "gflops": 1, "call_s": 1}')
    assert Forecaster(tmp_path).speed().gflops != 1
    assert measure().gflops > 0
