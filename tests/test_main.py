"""`hsi-studio`: without a command the page, with one the command line, and --help says both."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "0"], "--port 0: give a number from 1 to 65535"),
        (["--port", "99999"], "--port 99999: give a number from 1 to 65535"),
        (["--host", "nowhere.invalid", "--auth", "ana:a long password"], "cannot listen on nowhere.invalid"),
        (["--data", "/there/is/none"], "--data names /there/is/none, which is no folder"),
        (["--home", __file__], "--home names"),
        (["--home=~nobody-of-this-name"], "there is no such home folder"),
        (["--max-upload-gb", "-1"], "--max-upload-gb -1: give a number above 0"),
        (["--allow-host", "https://maps.example.org/"], "give a name such as maps.example.org"),
    ],
)
def test_an_option_that_cannot_be_meant_is_told_before_the_page_is_up(
    words: list[str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert main([*words, "--no-browser"]) == 2
    assert told in caplog.text


@pytest.mark.parametrize("words", [["--no-browser"], ["scenes"]], ids=["page", "command"])
def test_a_setting_that_makes_no_sense_is_told_before_anything_begins(
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also one that only the first training would ask for."""
    monkeypatch.setenv("HSI_STUDIO_JOB_HOURS", "soon")
    assert main(words) == 2
    assert "HSI_STUDIO_JOB_HOURS is 'soon': give a number of hours above 0" in caplog.text + capsys.readouterr().err


def test_ctrl_c_ends_the_page_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server raises it again when it has ended in order."""
    from hsi_studio.ui import launch

    def serve(args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "_serve", serve)
    assert main(["--no-browser"]) == 130


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_letters_that_an_output_cannot_write_are_written_as_their_numbers(encoding: str) -> None:
    """A pipe on Windows writes cp1252, which has no κ; the locale C has nothing beyond ASCII."""
    done = subprocess.run(
        [sys.executable, "-c", "from hsi_studio.__main__ import main; main(['scenes']); print('κ × 100')"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.decode(encoding).rstrip().endswith("\\u03ba × 100" if encoding == "cp1252" else "\\u03ba \\xd7 100")
    )
