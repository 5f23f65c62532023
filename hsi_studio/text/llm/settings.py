"""Where the language model is: address, model and key, and what is refused."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hsi_studio import settings
from hsi_studio.errors import BadRequest

URL, MODEL, KEY = settings.LLM_URL.name, settings.LLM_MODEL.name, settings.LLM_KEY.name


HOW = (
    f"Set {URL} (for example http://127.0.0.1:11434/v1), {MODEL} and, where the server wants one, {KEY}, then start "
    f"the app again; or set {MODEL} to a folder with a transformers text-generation model, which needs no server."
)


def checked_url(url: str, has_key: bool) -> str:
    """The base URL without a closing slash. Raises BadRequest."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"{URL} must be an http or https address such as https://api.example.org/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadRequest(f"{URL} must not hold a name, a password or a query: put the key into {KEY}.")
    if parts.scheme == "http" and has_key and not _own_machine(parts.hostname):
        raise BadRequest(f"{URL} is plain http: the key would be readable on its way to {parts.hostname}. Use https.")
    return url.rstrip("/")


def checked_key(key: str) -> str:
    """The key, when it can be sent. Raises BadRequest, which does not show it."""
    strange = next((n for n, c in enumerate(key, start=1) if not "!" <= c <= "~"), 0)
    if strange:
        raise BadRequest(
            f"{KEY} cannot be a key: its character {strange} is a space, a line break or none of a key's. Set it again."
        )
    return key


def _own_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
