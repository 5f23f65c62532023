"""The side panel's tabs: one file each, ending with `TAB = Tab(name, title, order, create)`."""

from __future__ import annotations

import sys

from hsi_studio.registry import scan
from hsi_studio.ui.bus import Tab


def tabs() -> list[Tab]:
    """Every tab in its order."""
    return sorted(scan(sys.modules[__name__], "TAB").entries.values(), key=lambda tab: tab.order)
