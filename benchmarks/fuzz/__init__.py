"""Hostile inputs by the thousand: `python -m benchmarks.fuzz`, see `__main__.py`."""
