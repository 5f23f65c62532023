"""The contract every registered method fulfils. A new method is tested by existing."""

from __future__ import annotations

from typing import Any

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Method, make_params
from hsi_studio.testing import METHOD_CHECKS
from hsi_studio.testing.methods import MethodCheck

TRAINED = {"curated", "s3fn", "diffclip"}  # seconds a fit
NO_FIT = {
    "describes_itself", "declares_what_it_can", "too_few_labels_are_refused", "cancel_stops_it",
    "preparing_tells_how_far_it_is",
}  # fmt: skip


def test_every_module_of_the_folder_imports_and_names_are_unique() -> None:
    assert methods().problems == []
    with pytest.raises(BadRequest, match="live"):
        get_method("no such method")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "Parameter epochs: Input should be greater than or equal to 1."),
        ({"patch": 4}, "Patch is 4: choose an odd side, so that a pixel is in its middle."),
        ({"no_such": 1}, "There is no parameter no_such. Known parameters: inputs, "),
    ],
)
def test_a_wrong_parameter_is_told_by_what_is_wrong_with_it(values: dict[str, Any], said: str) -> None:
    """The list of all parameters helps only who has written a name that there is not."""
    with pytest.raises(BadRequest) as error:
        make_params(get_method("diffclip").Params, values)
    assert str(error.value).startswith(said)
    assert ("Known parameters" in str(error.value)) == ("no_such" in values)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(
            name, check, id=f"{check.__name__}-{name}",
            marks=[pytest.mark.slow] if name in TRAINED and check.__name__ not in NO_FIT else [],
        )
        for check in METHOD_CHECKS
        for name in methods().entries
    ],
)  # fmt: skip
def test_a_method_fulfils_the_contract(name: str, check: MethodCheck) -> None:
    method: Method = methods().entries[name]
    check(method)
