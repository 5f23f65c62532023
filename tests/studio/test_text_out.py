"""Tables and reports of the shell: whole, or the old one; through what is no file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hsi_studio.studio.text_out import write_out


def test_text_replaces_a_file_whole_and_goes_through_pipes_and_links(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "out.csv", tmp_path / "link", tmp_path / "pipe"
    file.write_text("old", encoding="utf-8")
    with file.open(encoding="utf-8") as reader:  # who reads the old one reads it to its end
        write_out(file, "neu: Grünland\n")
        assert reader.read() == "old"
    assert file.read_bytes() == "neu: Grünland\n".encode()
    link.symlink_to(file)  # as /dev/stdout
    write_out(link, "through\n")
    assert (link.is_symlink(), file.read_text(encoding="utf-8")) == (True, "through\n")
    os.mkfifo(pipe)
    got = list[str]()
    reading = threading.Thread(target=lambda: got.append(pipe.read_text(encoding="utf-8")))
    reading.start()
    write_out(pipe, "flows\n")
    reading.join(10)
    assert got == ["flows\n"]
    assert pipe.is_fifo()
