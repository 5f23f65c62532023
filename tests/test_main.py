"""`hsi-studio`: without a command the page, with one the command line, and --help says both."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hsi_studio.__main__ import main


def test_help_shows_the_page_and_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "usage: hsi-studio [-h] [--scene SCENE]" in text
    assert "--auth-file" in text
    assert "usage: hsi-studio [-h] COMMAND" in text
    assert "evaluate" in text


@pytest.mark.parametrize("argv", [[], ["--port", "8000"]])
def test_no_command_starts_the_page(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from hsi_studio.ui import launch

    seen: list[list[str]] = []
    monkeypatch.setattr(launch, "main", lambda words, prog: seen.append(words) or 7)
    assert main(argv) == 7
    assert seen == [argv]


def test_a_command_runs_without_gradio() -> None:
    code = (
        "import sys; from hsi_studio.__main__ import main; done = main(['scenes']); "
        "sys.exit(done or 'gradio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "indian_pines" in done.stdout


def test_what_the_user_can_mend_is_one_line_and_exit_code_2(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--max-jobs", "0", "--no-browser"]) == 2
    assert "--max-jobs 0: give a number above 0" in caplog.text
    assert main(["--auth", "nobody", "--no-browser"]) == 2
    assert "USER:PASSWORD" in caplog.text


def test_an_unknown_command_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["pictures"])
    assert "scenes" in capsys.readouterr().err
