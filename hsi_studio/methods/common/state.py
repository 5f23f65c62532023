"""What a saved model of a windowed method holds, and how its parts are read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.contract import State

if TYPE_CHECKING:
    import torch


def part(state: State, prefix: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays whose names start with `prefix`, without it."""
    return {name[len(prefix) :]: value for name, value in state.arrays.items() if name.startswith(prefix)}


def load_network(make: Callable[[], torch.nn.Module], state: State, device: str) -> Any:
    """The network of a state, on the device. Raises ValueError when the state's arrays are not those of the network."""
    import torch

    from hsi_studio.methods.common.nn.layers import same_shapes

    weights = part(state, "net.")
    same_shapes(make, weights)
    network = make()
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    return network.to(device).eval()
