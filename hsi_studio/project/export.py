"""The earlier name of `hsi_studio/io/export.py`, for scripts that were written with it."""

from hsi_studio.io.export import export_map_envi, export_map_geotiff

__all__ = ["export_map_envi", "export_map_geotiff"]
