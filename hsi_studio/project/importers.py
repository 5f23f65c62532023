"""The earlier name of `hsi_studio/io/label_import.py`, for scripts that were written with it."""

from hsi_studio.io.label_import import import_labels

__all__ = ["import_labels"]
