"""What the load benchmark says of a server's log."""

from __future__ import annotations

from benchmarks.load import errors_of

LOG = """INFO:     started
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/app/one.py", line 3, in first
    second()
  File "/app/two.py", line 4, in second
    raise ValueError("no")
ValueError: no
INFO:     went on
"""


def test_an_error_is_named_with_the_place_it_came_from() -> None:
    found = errors_of(LOG)
    assert found == [
        "ERROR:    Exception in ASGI application",
        'ValueError: no (File "/app/two.py", line 4, in second)',
    ]
    assert errors_of("INFO: nothing\n") == []
