"""Faults in what page and files say of a map or an answer: stale names, figures of another map, finds of nothing."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

SHOWN: tuple[Mutation, ...] = (
    Mutation(
        "export-with-figures-of-before",
        "a file made right after a click has the accuracy of the map before",
        "hsi_studio/studio/live.py",
        "status = live.settled(until - time.monotonic())",
        "status = live.status",
        "tests/studio/test_live.py",
        ("test_an_export_has_the_accuracy_of_its_own_map",),
    ),
    Mutation(
        "map-keeps-old-names",
        "a map has the class names of the day it was made, beside a legend with those of today",
        "hsi_studio/studio/displayed_map.py",
        "named = replace(found, prediction=kept[2])",
        "named = found",
        "tests/studio/test_displayed_map.py",
        ("test_a_class_that_the_project_has_no_more_is_not_mixed_up_with_its_namesake",),
    ),
    Mutation(
        "answer-that-fits-every-pixel",
        "a question of which nothing can be measured finds the whole scene",
        "hsi_studio/engine/query/matcher.py",
        "if not matcher.can_tell(asked):",
        "if False:",
        "tests/engine/query/test_matcher.py",
        ("test_a_scene_that_cannot_tell_what_is_asked_finds_nothing",),
    ),
    Mutation(
        "folder-without-its-reference",
        "a folder of this machine opens without the reference and labels in it, and says nothing",
        "hsi_studio/studio/openings.py",
        "return found if scene in found and",
        "return found if False and",
        "tests/studio/test_openings.py",
        ("test_a_folder_of_this_machine_is_opened_with_what_lies_in_it",),
    ),
    Mutation(
        "lesson-of-another-program-stays-blind",
        "a lesson that another program handed in still hides its reference",
        "hsi_studio/studio/workspace.py",
        "if known is not None and known.lesson_on != (project_id in self._open.blind):",
        "if False:",
        "tests/studio/test_lessons.py",
        ("test_what_another_program_hands_in_is_handed_in_here_too",),
    ),
    Mutation(
        "guest-sees-what-a-lesson-hides",
        "a guest sees the reference once a lesson was closed to save memory",
        "hsi_studio/studio/workspace.py",
        "        if self.only is not None:\n            found = self.scene_of(self.only)",
        "        if self.only is not None and found is None:\n            found = self.scene_of(self.only)",
        "tests/studio/test_lessons.py",
        ("test_a_guest_hands_in_and_both_see_the_reference",),
    ),
)
