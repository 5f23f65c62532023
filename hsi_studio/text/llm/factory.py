"""The language model named by whoever starts the app, if any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.text.llm.endpoint import Endpoint
from hsi_studio.text.llm.protocol import Writer
from hsi_studio.text.llm.settings import MODEL, URL, checked_url


def writer(environment: Mapping[str, str] | None = None, url: str = "", model: str = "") -> Writer | None:
    """The language model that the app was started with, or None. Raises BadRequest for settings that make no sense."""
    url = url.strip() or settings.LLM_URL.text(environment)
    model = model.strip() or settings.LLM_MODEL.text(environment)
    if url:
        if not model:
            raise BadRequest(f"{URL} is set but {MODEL} is not: name the model that the server is to use.")
        return Endpoint(checked_url(url, bool(settings.LLM_KEY.text(environment))), model)
    if not model:
        return None
    from hsi_studio.text.llm.local import LocalModel

    return LocalModel(Path(model).expanduser())
