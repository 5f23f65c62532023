"""What a reader may use, and how the operating system makes sure of it.

All limits grow with the file, so that a large honest one is read and a small one cannot do much: time by how long the
slowest codec takes for so many bytes, memory by what is mapped. They are those of the process (`setrlimit`), so they
hold in a C library that never gives the interpreter its turn: the kernel ends the process.
"""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass
from typing import Any

from hsi_studio import settings
from hsi_studio.humanize import size_text

GIB = 1 << 30
SECONDS = 8.0  # of processor time, for any file
BYTES_A_SECOND = 4 << 20  # packed; deflate gives 20 of its output, scipy and GDAL are not slower than that together
WALL_FACTOR = 3.0  # the others on the machine want their turn
MEMORY_GB = 4.0
DISK_GB = 16.0
OPEN_FILES = 64


@dataclass(frozen=True)
class Limits:
    """Of one opening. Plain values, so that they can be sent."""

    cpu_s: int
    wall_s: float
    memory: int  # bytes beyond what the libraries take and the files mapped
    mapped: int  # bytes of the files, which may be mapped
    disk: int  # bytes that may be written
    open_files: int = OPEN_FILES

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def limits_for(n_bytes: int) -> Limits:
    """For an opening whose files have `n_bytes` together. Raises BadRequest (a setting that is no number)."""
    seconds = (settings.READER_SECONDS.number() or SECONDS) + n_bytes / BYTES_A_SECOND
    return Limits(
        cpu_s=int(seconds) + 1,
        wall_s=seconds * WALL_FACTOR,
        memory=int((settings.READER_MEMORY_GB.number() or MEMORY_GB) * GIB),
        mapped=n_bytes,
        disk=int((settings.READER_DISK_GB.number() or DISK_GB) * GIB),
    )


def apply(limits: Limits) -> None:
    """For this process, from now on. Does what the system has: nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    space, data = _in_use()
    wanted = [
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_CPU", limits.cpu_s, limits.cpu_s + 2),  # SIGXCPU, which says why; then SIGKILL
        ("RLIMIT_NOFILE", limits.open_files, limits.open_files),
        ("RLIMIT_FSIZE", limits.disk, limits.disk),
        ("RLIMIT_AS", space + limits.memory + 2 * limits.mapped, space + limits.memory + 2 * limits.mapped),
        ("RLIMIT_DATA", data + limits.memory, data + limits.memory),
    ]
    for name, soft, hard in wanted:
        kind = getattr(resource, name, None)
        if kind is not None:
            most = resource.getrlimit(kind)[1]
            if most != resource.RLIM_INFINITY:
                soft, hard = min(soft, most), min(hard, most)
            try:
                resource.setrlimit(kind, (soft, hard))
            except (ValueError, OSError):  # a system that knows the limit and does not keep it (macOS, address space)
                continue


def _in_use() -> tuple[int, int]:
    """Bytes of address space and of data that the loaded libraries take."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = [int(part) for part in stream.read().split()]
    except (OSError, ValueError):
        return 4 * GIB, GIB
    return pages[0] * 4096, pages[5] * 4096


def ended(status: int, limits: Limits) -> tuple[str, str]:
    """(what happened, what to do) for the exit status of a reader that left no answer: as of `subprocess`, negative for
    signals."""
    if status == -int(getattr(signal, "SIGXCPU", 24)):
        return f"reading it took more than {limits.cpu_s} s of processor time and was ended", TRUSTED
    if status < 0:
        try:
            name = f" ({signal.Signals(-status).name})"
        except ValueError:
            name = ""
        return f"this file ended the reader: signal {-status}{name}", DAMAGED
    return f"this file ended the reader: exit code {status}", DAMAGED


def too_slow(limits: Limits) -> tuple[str, str]:
    return f"reading it took more than {limits.wall_s:.0f} s and was ended", TRUSTED


def too_much_memory(limits: Limits) -> tuple[str, str]:
    return f"reading it needs more than the {size_text(limits.memory)} of memory a reader may take", PIECES


def too_much_disk(limits: Limits) -> tuple[str, str]:
    return f"unpacked it takes more than the {size_text(limits.disk)} a reader may write", PIECES


DAMAGED = "It is damaged or made to do harm: copy or download it again from a source you trust"
TRUSTED = (
    f"If you trust it: give readers more time ({settings.READER_SECONDS.name}), or start with --trust-local on your "
    "own machine"
)
PIECES = "Save it as uncompressed ENVI, GeoTIFF or .npy, which are read piece by piece, or cut it to a smaller area"
