"""`hsi-studio` and `python -m hsi_studio`: without a command the page, with one the command line.

    hsi-studio                      starts the page; `hsi-studio --port 8000` with options
    hsi-studio COMMAND …            runs one command; `hsi-studio COMMAND --help` says what it takes
    hsi-studio --help               both

The page's half imports Gradio, and only when it is started: a command does not wait for it.
"""

from __future__ import annotations

import io
import sys

PROG = "hsi-studio"


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 a problem the user can mend, 130 stopped by Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    _write_any_letter()
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(_help())
        return 0
    if words and not words[0].startswith("-"):
        from hsi_studio.cli.main import main as command
        from hsi_studio.outgoing import without_network

        without_network()
        return command(words)
    from hsi_studio.ui import launch

    return launch.main(words, PROG)


def _write_any_letter() -> None:
    """Where a terminal or a pipe cannot write a letter (κ into a file on Windows, anything in the locale C), its number
    stands instead: a result that took minutes is not lost for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _help() -> str:
    from hsi_studio.cli.main import _parser
    from hsi_studio.ui.launch import parser

    page, commands = parser(PROG).format_help(), _parser().format_help()
    return f"Start the page:\n\n{page}\nOr run one command:\n\n{commands}"


if __name__ == "__main__":
    sys.exit(main())
