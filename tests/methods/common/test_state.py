"""Facts about reading a model's parts back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from hsi_studio.methods.common.state import load_network, part
from hsi_studio.methods.contract import State


def make() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Dropout(0.9), torch.nn.Linear(5, 2))


def state_of(network: torch.nn.Module) -> State:
    weights = {f"net.{name}": value.numpy().copy() for name, value in network.state_dict().items()}
    return State({**weights, "network": np.zeros(1), "basis.mean": np.ones(2)})


def test_a_part_has_its_own_arrays_under_their_own_names() -> None:
    state = State({"a.x": np.zeros(1), "a.a.x": np.ones(1), "ab.x": np.ones(1), "x": np.ones(1)})
    found = part(state, "a.")
    assert sorted(found) == ["a.x", "x"]
    assert found["x"] is state.arrays["a.x"]
    assert part(state, "c.") == {}


def test_a_network_comes_back_ready_to_map() -> None:
    network = make()
    x = torch.randn(7, 3)
    again = load_network(make, state_of(network), "cpu")
    with torch.inference_mode():
        assert torch.equal(again(x), network.eval()(x))  # without dropout, though `make` gives a network in training
        assert torch.equal(again(x), again(x))


def test_arrays_that_may_not_be_written_are_read_without_a_warning() -> None:
    """Arrays from a file may be read-only; training the network further must not change them either."""
    state = state_of(make())
    before = state.arrays["net.0.weight"].copy()
    state.arrays["net.0.weight"].flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load_network(make, state, "cpu")
    with torch.no_grad():
        again[0].weight.zero_()
    assert np.array_equal(state.arrays["net.0.weight"], before)


@pytest.mark.parametrize(
    ("name", "value"), [("net.0.weight", np.zeros((5, 4))), ("net.2.bias", None), ("net.9.bias", np.zeros(2))]
)
def test_arrays_of_another_network_are_refused_by_name(name: str, value: np.ndarray | None) -> None:
    state = state_of(make())
    if value is None:
        del state.arrays[name]
    else:
        state.arrays[name] = value
    with pytest.raises(ValueError, match=name.removeprefix("net.")):
        load_network(make, state, "cpu")
