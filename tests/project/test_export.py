"""Scripts that were written with the earlier name of the exports still find them."""

from __future__ import annotations

from hsi_studio.io import export
from hsi_studio.project import export as earlier


def test_the_earlier_name_leads_to_the_same() -> None:
    assert earlier.export_map_envi is export.export_map_envi
    assert earlier.export_map_geotiff is export.export_map_geotiff
