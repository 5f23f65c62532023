"""Work shared between threads: all of it, what it raises, and the end of the program."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hsi_studio.methods.common.threads import THREADS, share

LATE = """
import threading, time
from hsi_studio.errors import Cancelled
from hsi_studio.methods.common.threads import share

def late():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    try:
        share(print)
    except Cancelled as error:
        print(error)

threading.Thread(target=late).start()
"""


def test_every_part_is_done_and_what_one_raises_is_raised() -> None:
    done: list[int] = []
    share(done.append)
    assert sorted(done) == list(range(THREADS))

    def fail(part: int) -> None:
        raise RuntimeError(f"part {part}")

    with pytest.raises(RuntimeError, match="part 0"):
        share(fail)


def test_a_script_that_ends_while_a_map_is_made_ends_without_a_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == ("The program ends.", "")
