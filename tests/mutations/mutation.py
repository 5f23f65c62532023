"""One deliberate fault: what is broken, where, and which tests must fail then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One deliberate fault. `tests` are functions of `test_file`; a bare name takes all its parameters."""

    id: str
    meaning: str
    file: str
    original: str
    replacement: str
    test_file: str
    tests: tuple[str, ...]

    @property
    def nodes(self) -> list[str]:
        """As pytest takes them."""
        return [f"{self.test_file}::{name}" for name in self.tests]
