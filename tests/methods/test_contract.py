"""The contract every registered method fulfils. A new method is tested by existing."""

from __future__ import annotations

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Method
from hsi_studio.testing import METHOD_CHECKS
from hsi_studio.testing.methods import MethodCheck

SLOW = {
    "same_seed_same_map", "tiles_make_no_difference", "order_of_labels_makes_no_difference",
    "the_reference_makes_no_difference", "few_bands_work",
}  # fmt: skip
TRAINED = {"curated", "s3fn", "diffclip"}  # seconds a fit


def test_every_module_of_the_folder_imports_and_names_are_unique() -> None:
    assert methods().problems == []
    with pytest.raises(BadRequest, match="live"):
        get_method("no such method")


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(
            name, check, id=f"{check.__name__}-{name}",
            marks=[pytest.mark.slow] if check.__name__ in SLOW and name in TRAINED else [],
        )
        for check in METHOD_CHECKS
        for name in methods().entries
    ],
)  # fmt: skip
def test_a_method_fulfils_the_contract(name: str, check: MethodCheck) -> None:
    method: Method = methods().entries[name]
    check(method)
