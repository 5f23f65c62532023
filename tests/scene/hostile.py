"""Files that mean harm, made on the spot: each stands for a kind. None of them needs more than a second to make."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

from tests.scene import fake

SHAPE = (6, 5, 8)
SECRET = b"another person's journal, 240 bytes, ".ljust(240, b".")  # as many as the cube has values of one byte


def secret_file(folder: Path) -> Path:
    other = folder / "somebody else"
    other.mkdir(exist_ok=True)
    (other / "secret.txt").write_bytes(SECRET)
    return other / "secret.txt"


# ── files that show other files ─────────────────────────────────────────────────────────────────


def external_storage(path: Path, secret: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", SHAPE, "u1", external=[(str(secret), 0, len(SECRET))])


def virtual(path: Path, secret: Path) -> None:
    with h5py.File(secret.with_suffix(".h5"), "w") as file:
        file["x"] = fake.cube(dtype="u1")
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "x", SHAPE)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("cube", layout)


def external_link(path: Path, secret: Path) -> None:
    with h5py.File(secret.with_suffix(".h5"), "w") as file:
        file["x"] = fake.cube(dtype="u1")
    with h5py.File(path, "w") as file:
        file["own"] = fake.cube()
        file["cube"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "x")


def matlab73(path: Path, secret: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("cube", SHAPE[::-1], "u1", external=[(str(secret), 0, len(SECRET))])
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


def vrt(secret: Path, bands: int = 8) -> str:
    """Text of a VRT that shows a file's bytes as pixels."""
    band = "".join(
        f'<VRTRasterBand dataType="Byte" band="{k + 1}" subClass="VRTRawRasterBand"><SourceFilename relativeToVRT="0">'
        f"{secret}</SourceFilename><ImageOffset>{k}</ImageOffset></VRTRasterBand>"
        for k in range(bands)
    )
    return f'<VRTDataset rasterXSize="5" rasterYSize="6">{band}</VRTDataset>'


# ── files that end, freeze or fill ──────────────────────────────────────────────────────────────


def impossible_type(path: Path) -> None:
    """An element type far outside scipy's tables: reading it ends the process (SIGSEGV)."""
    savemat(path, {"s": {"x": np.arange(40.0)}})
    data = bytearray(path.read_bytes())
    at = data.rindex(struct.pack("<II", 9, 320))
    data[at : at + 4] = struct.pack("<I", 0xFFF0)
    path.write_bytes(bytes(data))


def matrix(kind: int, shape: tuple[int, ...], rest: bytes = b"") -> bytes:
    """A MATLAB v5 matrix element called x."""
    sizes = struct.pack(f"<{len(shape)}i", *shape)
    sizes += b"\0" * (-len(sizes) % 8)
    body = struct.pack("<IIII", 6, 8, kind, 0) + struct.pack("<II", 5, 4 * len(shape)) + sizes
    body += struct.pack("<II", 1 << 16 | 1, ord("x")) + rest
    return struct.pack("<II", 14, len(body)) + body


def mat(path: Path, *elements: bytes, packed: bool = False) -> None:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    if packed:
        elements = tuple(struct.pack("<II", 15, len(z)) + z for z in map(zlib.compress, elements))
    path.write_bytes(head + b"".join(elements))


def huge_cell(path: Path) -> None:
    mat(path, matrix(1, (1 << 15, 1 << 15)))


def packed_npz(path: Path, method: int) -> None:
    """An array that its header says has 2 GiB, in a kilobyte."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"shape": (1 << 13, 1 << 13, 32), "fortran_order": False, "descr": "|u1"}
    )
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("cube.npy", stream.getvalue() + b"\0" * 1000)
    data = path.read_bytes()
    size = struct.pack("<L", len(stream.getvalue()) + 1000)
    path.write_bytes(data.replace(size, struct.pack("<L", len(stream.getvalue()) + (1 << 31))))


def many_members(path: Path, count: int = 100_000) -> None:
    """Members that all have one name of five bytes: built by hand, `zipfile` takes a minute."""
    local = b"PK\3\4" + struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, 0, 0, 5, 0) + b"a.npy"
    entry = b"PK\1\2" + struct.pack("<6H3L5H2L", 20, 20, 0, 0, 0, 33, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.npy"
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, len(entry) * count, len(local), 0)
    path.write_bytes(local + entry * count + end)


def many_datasets(path: Path, count: int = 4_100) -> None:
    with h5py.File(path, "w") as file:
        file["cube"] = fake.cube()
        for k in range(count):
            file[f"g{k // 2000}/{k}"] = h5py.SoftLink("/cube")


def deep_groups(path: Path, depth: int = 200) -> None:
    with h5py.File(path, "w") as file:
        file["/".join(["g"] * depth)] = fake.cube()


def one_chunk(path: Path) -> None:
    """2 GiB in one block of two megabytes."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("cube", (1 << 13, 1 << 13, 32), "u1", chunks=(1 << 13, 1 << 13, 32), compression=1)
        data.id.write_direct_chunk((0, 0, 0), b"x\x9c" + bytes(3 << 20))


def tight_chunk(path: Path) -> None:
    """256 MiB in one block of 100 kB."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("cube", (1 << 12, 1 << 12, 16), "u1", chunks=(1 << 12, 1 << 12, 16), compression=1)
        data.id.write_direct_chunk((0, 0, 0), b"x\x9c" + bytes(100_000))


def tiff(path: Path, side: int, block: int, stored: int, compression: int, bands: int = 2) -> None:
    """A TIFF whose blocks of `block` lines and columns are all missing but the first of `stored` bytes."""
    tiled = block < side
    blocks = (-(-side // block)) ** 2 if tiled else 1
    offsets, sizes = [8] + [0] * (blocks - 1), [stored] + [0] * (blocks - 1)
    arrays = 8 + stored
    place, length = (324, 325) if tiled else (273, 279)
    fields = [
        (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1),
        (place, 4, blocks, arrays if blocks > 1 else 8), (277, 3, 1, bands),
        (length, 4, blocks, arrays + 4 * blocks if blocks > 1 else stored), (284, 3, 1, 1),
    ]  # fmt: skip
    fields += [(322, 4, 1, block), (323, 4, 1, block)] if tiled else [(278, 4, 1, block)]
    table = struct.pack(f"<{2 * blocks}L", *offsets, *sizes)
    at = arrays + len(table)
    ifd = struct.pack("<H", len(fields))
    for tag, kind, count, value in sorted(fields):
        ifd += struct.pack("<HHL", tag, kind, count)
        ifd += struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<L", value)
    path.write_bytes(b"II*\0" + struct.pack("<L", at) + bytes(stored) + table + ifd + b"\0\0\0\0")


def long_header(folder: Path) -> Path:
    """100 kB of commas behind a parenthesis, where looking ahead from each takes 100 s."""
    return fake.envi(folder, fake.cube(), header={"band names": "{" + "(" + "a," * 50_000 + "}"})


FOLLOWING: dict[str, Callable[[Path, Path], None]] = {
    "storage.h5": external_storage,
    "virtual.h5": virtual,
    "link.h5": external_link,
    "storage.mat": matlab73,
}
HEAVY: dict[str, Callable[[Path], None]] = {
    "type.mat": impossible_type,
    "cells.mat": huge_cell,
    "cells_packed.mat": lambda p: mat(p, matrix(1, (1 << 15, 1 << 15)), packed=True),
    "structs.mat": lambda p: mat(p, matrix(2, (1 << 14, 1 << 14), struct.pack("<IIIIII", 4 << 16 | 5, 8, 1, 8, 97, 0))),
    "bzip2.npz": lambda p: packed_npz(p, zipfile.ZIP_BZIP2),
    "lzma.npz": lambda p: packed_npz(p, zipfile.ZIP_LZMA),
    "deflate.npz": lambda p: packed_npz(p, zipfile.ZIP_DEFLATED),
    "members.npz": many_members,
    "datasets.h5": many_datasets,
    "deep.h5": deep_groups,
    "chunk.h5": one_chunk,
    "tight.h5": tight_chunk,
    "block.tif": lambda p: tiff(p, 30_000, 30_000, 1000, 8),
    "zstd.tif": lambda p: tiff(p, 12_000, 12_000, 1000, 50000),
    "sparse.tif": lambda p: tiff(p, 500_000, 16_384, 600_000, 8, bands=1),
}
