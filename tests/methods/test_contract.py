"""The contract every registered method fulfils. A new method is tested by existing."""

from __future__ import annotations

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Method
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
