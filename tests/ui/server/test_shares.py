"""Shared projects: one token each, kept over a restart, taken back for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import CorruptFile
from hsi_studio.ui.server.shares import Share, Shares


def test_a_project_has_one_token_that_nobody_guesses(tmp_path: Path) -> None:
    shares = Shares(tmp_path / "shares.json")
    token = shares.make("ana", "a project")
    assert shares.make("ana", "a project") == token
    assert shares.make("ben", "a project") != token
    assert len(token) >= 32  # 24 random bytes
    assert Shares(tmp_path / "shares.json").get(token) == Share("ana", "a project")  # after a restart


def test_a_share_that_was_taken_back_is_gone(tmp_path: Path) -> None:
    shares = Shares(tmp_path / "shares.json")
    token, other = shares.make("ana", "one"), shares.make("ana", "two")
    assert shares.end("ben", "one") == []  # only its owner takes it back
    assert shares.end("ana", "one") == [token]
    assert shares.get(token) is None
    assert shares.get(other) is not None
    assert Shares(tmp_path / "shares.json").get(token) is None
    assert shares.make("ana", "one") != token  # an old link stays dead


def test_a_damaged_list_is_named_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "shares.json"
    file.write_text("[1")
    with pytest.raises(CorruptFile, match=r"shares\.json"):
        Shares(file).get("x")
    with pytest.raises(CorruptFile):
        Shares(file).make("ana", "one")
    assert file.read_text() == "[1"
