"""Curated prompts with five training steps on two tokens: reads words and trains like the real one.

For browser tests of what stands round a training (comparisons, their queue, their report), which is the same for every
method; what the trainings themselves are worth is tested in tests/methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hsi_studio.methods.curated.method import Curated

SHORT = {"epochs": 1, "least_steps": 5, "patch": 5, "token": 5, "jitter": 0, "smoothing": 5}


class FewSteps(Curated):
    name: ClassVar[str] = "few_steps"
    title: ClassVar[str] = "Few steps"
    quick_pace: ClassVar[Mapping[str, Any]] = SHORT


METHOD = FewSteps()
