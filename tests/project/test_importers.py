"""Scripts that import labels by the earlier place of the function go on working."""

from __future__ import annotations

from hsi_studio.io import label_import
from hsi_studio.project import importers


def test_it_is_the_same_function() -> None:
    assert importers.import_labels is label_import.import_labels
