"""A shell's options have the names of the page's rows there."""

from __future__ import annotations

import pytest

from hsi_studio.ui.said_on_page import ROWS, for_page
from hsi_studio.ui.tabs.scene.question import QUESTIONS


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("if so, open it again with --nodata -9999.", "if so, open it again with “No-data value” -9999."),
        ("Say which it is with --crs.", "Say which it is with “Map system”."),
        ('Leave them out (in a shell: --mask FILE:a, or --mask "not FILE:a").', "Leave them out."),
        ("Start the app with --data FOLDER.", "Start the app with --data FOLDER."),
        ("a--scale and scale", "a--scale and scale"),
    ],
)
def test_options_become_rows(said: str, shown: str) -> None:
    assert for_page(said) == shown


def test_the_rows_are_called_as_the_sheet_calls_them() -> None:
    same = {"unit": "Unit of the wavelengths"}  # a row of its own where wavelengths are known
    for option, title in ROWS.items():
        question = "variable" if option == "var" else option
        if question in QUESTIONS and option not in same:
            assert QUESTIONS[question] == title
