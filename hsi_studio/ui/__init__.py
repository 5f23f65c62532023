"""The page. Here stands what Gradio must find before it is imported, by whichever module of this package comes first.

At its import Gradio writes a stub for editors beside each of its components, which takes as long as the rest of the
import (1.2 of 3.0 s of CPU time, Gradio 6.31). It leaves alone a component that has no file, which it asks `inspect`.
"""

from __future__ import annotations

import functools
import inspect
import os
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Gradio makes a table of its newest 10,000 events with each event, in the event loop; nobody here looks at it.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
# At each event it asks matplotlib for its backend; where none is named, matplotlib loads pyplot to find one, which took
# a second of the first page, in the event loop.
os.environ.setdefault("MPLBACKEND", "agg")

_getfile = inspect.getfile


@functools.wraps(_getfile)
def _no_stubs(of: Any) -> str:
    if type(of).__name__ == "ComponentMeta":
        raise OSError("a component of Gradio's: no stub is written beside it")
    return _getfile(of)


inspect.getfile = _no_stubs  # type: ignore[assignment]
