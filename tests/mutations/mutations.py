"""The whole list; `python -m tests.mutations.run` tries it, tests/test_mutations.py keeps it in step with the program.

`original` is a piece of the file that is there exactly once. A test named for a mutation takes seconds at most.
"""

from __future__ import annotations

from tests.mutations.earlier import EARLIER
from tests.mutations.figures import FIGURES
from tests.mutations.mutation import Mutation
from tests.mutations.recent import RECENT
from tests.mutations.server import SERVER
from tests.mutations.shown import SHOWN
from tests.mutations.storage import STORAGE
from tests.mutations.strangers import STRANGERS

__all__ = ["MUTATIONS", "Mutation"]

MUTATIONS: tuple[Mutation, ...] = (*EARLIER, *STORAGE, *FIGURES, *SERVER, *SHOWN, *STRANGERS, *RECENT)
