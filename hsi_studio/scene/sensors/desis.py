"""DESIS L1C and L2A: see `dlr.py`."""

from hsi_studio.scene.sensors.dlr import DESIS as READER

__all__ = ["READER"]
