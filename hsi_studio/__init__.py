"""HSI Studio: few-shot class maps of hyperspectral scenes.

`import hsi_studio` stays below 0.3 s: the façade is imported when it is first asked for.

>>> from hsi_studio import Studio
>>> studio = Studio()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsi_studio.studio.facade import Studio

__version__ = "0.1.0"
__all__ = ["Studio", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Studio":
        from hsi_studio.studio.facade import Studio

        return Studio
    raise AttributeError(f"module 'hsi_studio' has no attribute {name!r}")
