"""The Lesson tab: start a lesson, see how many labels are left, hand in, see the score. Its panel is `lesson.js`, which
asks by the routes of `routes.py`; its value comes with the map (`ui/viewer/label_routes.py`)."""

from __future__ import annotations

from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.lesson.routes import router
from hsi_studio.ui.web_component import panel


def create(studio: Studio, bus: Bus) -> None:
    panel("lesson", {})


TAB = Tab("lesson", "Lesson", 23, create, step="compare", routes=router, styles=("lesson.css",))
