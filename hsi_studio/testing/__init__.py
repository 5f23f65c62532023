"""Tests for methods and formats of your own: call these from the tests of your plug-in.

>>> from hsi_studio.testing import check_method, check_reader
>>> check_method(my_plugin.METHOD)
>>> check_reader(my_plugin.READER, "sample.xyz")

Each raises AssertionError with a sentence that says what to mend. They need no test framework; the built-in methods and
formats pass the same ones. The parts are in `METHOD_CHECKS` and `READER_CHECKS`, to run and report them one by one.
"""

from hsi_studio.testing.methods import METHOD_CHECKS, check_method
from hsi_studio.testing.readers import READER_CHECKS, check_reader

__all__ = ["METHOD_CHECKS", "READER_CHECKS", "check_method", "check_reader"]
