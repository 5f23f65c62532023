"""A room of its own for every file that is opened: readers run in a process that can harm nobody but itself.

GDAL, HDF5 and scipy are large and read bytes that strangers chose. A crash in them ends the process they are in, a loop
holds the interpreter's lock for good, a header of 300 bytes asks for gigabytes, and whatever file the process may read
can be made to show. So the app does not call readers itself:

    the app ── ask ──▶ spawner ── fork ──▶ reader: limits, no network, only the opening's files; calls the reader,
       ▲                                             writes what it says into its own empty folder, ends
       └──────────── the folder: description.json and data.bin, both looked through before anything is used

- `limits.py`    memory, time, files, and what the sentence is when one is reached
- `lock.py`      Landlock and seccomp: the files that can be opened, no network, no other process (Linux)
- `spawner.py`   a small process with the libraries loaded, from which readers are forked: 20 ms instead of a second
- `reader.py`    what happens in the room
- `codec.py`     values ↔ JSON and one file of numbers, without a type that could run code
- `cubes.py`     pixels: mapped where the file has them plainly, else unpacked once
- `store.py`     the folders, by content: what was opened before is not read again; a budget, the oldest go
- `opening.py`   the app's side: which files belong to an opening, waiting, and every end as one sentence
- `access.py`    the door for the rest of the program: in the room, or directly where somebody chose to trust

What this does not defend: where neither Landlock nor seccomp is (macOS, Windows, old kernels), a reader that was taken
over may read what the app may; `protections()` says what holds on this machine.
"""
