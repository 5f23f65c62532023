"""Two threads for what grows with the scene, one for each product of matrices.

numpy's products and exponentials leave the interpreter alone, so two threads that each work on their own pixels take
half the time. OpenBLAS' own threads are no help there: products of a click are small, and its threads wait for each
other actively (28 ms a click become 60 where both are at work). The application allows one thread a product for good
(`ui/launch.py`); a notebook or the command line has what numpy began with, so it is set here while it matters.

Two `with` of two threads that end in another order than they began leave one thread a product: slower for products of
large matrices, never wrong.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

from hsi_studio.errors import Cancelled

THREADS = min(2, os.cpu_count() or 1)
# They stay: a new thread's first product costs as much as a map of 20,000 pixels.
_pool = ThreadPoolExecutor(THREADS, "pixels")


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """What numpy has loaded, looked up once: that takes 50 times as long as setting it."""
    return ThreadpoolController()


def one_thread_a_product() -> AbstractContextManager[object]:
    """While it holds, a product of numpy takes the thread of whoever asked for it."""
    limit: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limit


def share(work: Callable[[int], None]) -> None:
    """`work(0)` … `work(THREADS − 1)`, each in its thread; returns when all have ended. Raises what one raised, and
    Cancelled while the program ends: a map that is being made then has no threads any more."""
    with one_thread_a_product():
        try:
            for _ in _pool.map(work, range(THREADS)):
                pass
        except RuntimeError as error:
            if threading.main_thread().is_alive():
                raise
            raise Cancelled("The program ends.") from error
