"""What an HDF5 file must not do: name other files, run foreign code, or hold more than can be looked through.

The format lets a data set keep its numbers in *any* file ("external storage"), be put together from data sets of other
files ("virtual") and hang below a link into another file; h5py follows all three with the reader's rights, so that an
uploaded file of 2 kB would show another user's as pixels. All are refused by name, wherever in the file they are: an
honest file that has one is no use without its other half, which an upload does not bring.

Filters outside the library's own are code that HDF5 loads from a folder of the machine when a file names them; which
filters there are is the machine's affair, how often one is applied is bounded here.

Source: The HDF Group, "HDF5 File Format Specification", version 3.0, IV.A.2.h and IV.A.2.i (external files, layout).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.formats import limits

COPY_AGAIN = "Copy or download it again"
MOST_FILTERS = 8
DEFLATE = 1


def walk(path: Path, handle: Any) -> Iterator[tuple[str, Any]]:
    """(name, data set) of every data set in the file, by hard links only, each once.

    Raises FileProblem for what points out of the file and for more than can be looked through, CorruptFile for damage.
    """
    counted = [0]
    yield from _below(path, handle, "", 0, set(), counted)


def _below(
    path: Path, group: Any, prefix: str, depth: int, seen: set[Any], counted: list[int]
) -> Iterator[tuple[str, Any]]:
    import h5py

    limits.check_count(path, depth, "groups in one another", limits.MOST_DEPTH)
    limits.check_count(path, len(group), "entries in one group")
    for name, link in _links(path, group):
        full = f"{prefix}{name}"
        counted[0] += 1
        limits.check_count(path, counted[0], "arrays and groups")
        if isinstance(link, h5py.ExternalLink):
            raise _outside(path, full, f"is a link into another file ({_short(link.filename)})")
        if not isinstance(link, h5py.HardLink):
            continue  # a soft link is another name for something inside
        item = group.get(name)
        mark = None if item is None else h5py.h5o.get_info(item.id).addr
        if mark is None or mark in seen:
            continue
        seen.add(mark)
        if isinstance(item, h5py.Group):
            yield from _below(path, item, f"{full}/", depth + 1, seen, counted)
        elif isinstance(item, h5py.Dataset):
            check_dataset(path, full, item)
            yield full, item


def _links(path: Path, group: Any) -> Iterator[tuple[str, Any]]:
    for name in group:
        text = name if isinstance(name, str) else name.decode("latin-1")
        try:
            yield text, group.get(name, getlink=True)
        except (TypeError, RuntimeError) as error:  # a link of a kind that h5py does not know
            raise _outside(path, text, f"is a link of an unknown kind ({error})") from error


def check_dataset(path: Path, name: str, dataset: Any) -> None:
    """Raises FileProblem for numbers that lie in other files and for blocks too large to unpack."""
    import h5py

    made = dataset.id.get_create_plist()
    if made.get_external_count():
        raise _outside(path, name, f"keeps its numbers in another file ({_short(made.get_external(0)[0])})")
    layout = made.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        files = {source.file_name for source in dataset.virtual_sources()}
        raise _outside(path, name, f"is put together from other files ({_short(min(files, default=''))})")
    if layout != h5py.h5d.CHUNKED or not dataset.shape:
        return
    filters = [made.get_filter(k)[0] for k in range(made.get_nfilters())]
    limits.check_count(path, len(filters), f"filters on “{name}”", MOST_FILTERS)
    if len(set(filters)) < len(filters):
        raise FileProblem(path, f"“{name}” is packed by the same filter twice", limits.TRUST)
    if filters:
        chunk = dataset.dtype.itemsize
        for n in made.get_chunk():
            chunk *= int(n)
        limits.check_chunk(path, f"“{name}”", chunk)


def check_ratio(path: Path, name: str, dataset: Any, claimed: int) -> None:
    """Raises CorruptFile for numbers packed more tightly than deflate can."""
    made = dataset.id.get_create_plist()
    filters = {made.get_filter(k)[0] for k in range(made.get_nfilters())}
    if filters and filters <= {DEFLATE, 2, 3}:  # with shuffle and checksum, which keep the size
        written = _share_written(dataset)
        limits.check_ratio(path, f"“{name}”", int(claimed * written), int(dataset.id.get_storage_size()))


def _share_written(dataset: Any) -> float:
    """Blocks of a fill value alone may not be in the file at all; here, the share of blocks that is."""
    try:
        stored = int(dataset.id.get_num_chunks())
    except (RuntimeError, OSError, AttributeError):
        return 1.0
    total = 1
    for side, block in zip(dataset.shape, dataset.chunks, strict=True):
        total *= -(-int(side) // int(block))
    return min(stored / max(total, 1), 1.0)


def _outside(path: Path, name: str, what: str) -> FileProblem:
    return FileProblem(
        path,
        f"“{name}” {what}, and a file may only show what is in it",
        "Save it again with its numbers inside: h5repack IN OUT, or a copy of the array with h5py",
    )


def _short(name: Any) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    text = "".join(c for c in text if c.isprintable())
    return text if len(text) <= 60 else text[:57] + "…"


def damaged(path: Path, error: BaseException) -> CorruptFile:
    return CorruptFile(path, f"its contents cannot be listed ({error})", COPY_AGAIN)
