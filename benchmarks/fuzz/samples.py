"""Small valid files of every format that is read, to be mutated; and files that point at others.

`samples(folder, secret)` writes them; each is {name: bytes} of the files that belong together, the one to open first.
Those that name `secret` try to have it read: by HDF5's external storage, external links and virtual data sets, by
ENVI's data file, by GDAL's VRT.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

Files = dict[str, bytes]
ROWS, COLS, BANDS = 12, 10, 6
NM = np.linspace(420, 2300, BANDS)


def cube() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rng = np.random.default_rng(7)
    return (rng.random((ROWS, COLS, BANDS)) * 0.5 + np.linspace(0, 0.4, BANDS)).astype(np.float32)


def scenes(folder: Path, secret: Path) -> dict[str, Files]:
    """Of every format of a scene. `folder` may be written to."""
    import h5py
    import rasterio
    from rasterio.transform import Affine
    from scipy.io import savemat

    values, gt = cube(), (np.indices((ROWS, COLS)).sum(axis=0) % 3).astype(np.uint8)
    where = ",".join(f"{nm:.1f}" for nm in NM)
    header = (
        f"ENVI\ndescription = {{a {{scene}}, with words}}\nsamples = {COLS}\nlines = {ROWS}\nbands = {BANDS}\n"
        "header offset = 0\nfile type = ENVI Standard\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        "map info = {UTM, 1, 1, 500000, 4400000, 2, 2, 16, North, WGS-84, units=Meters}\n"
        f"wavelength units = Nanometers\nwavelength = {{{where}}}\nfwhm = {{{','.join(['10'] * BANDS)}}}\n"
        f"bbl = {{{','.join(['1'] * BANDS)}}}\ndata ignore value = -9999\nreflectance scale factor = 1\n"
    ).encode()
    plain = np.ascontiguousarray(values.transpose(2, 0, 1)).tobytes()
    out: dict[str, Files] = {"envi": {"scene.hdr": header, "scene.img": plain}}
    out["envi elsewhere"] = {"scene.hdr": header + f"data file = {secret}\n".encode()}

    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, values)
    np.savez_compressed(npz, cube=values, gt=gt, wavelength=NM)
    out["npy"], out["npz"] = {"scene.npy": npy.getvalue()}, {"scene.npz": npz.getvalue()}

    mat, deep = io.BytesIO(), io.BytesIO()
    savemat(mat, {"cube": values, "gt": gt}, do_compression=True)
    savemat(deep, {"cube": values, "s": {"x": np.ones(3), "y": {"z": "words"}}, "c": np.array([1, "a"], dtype=object)})
    out["mat"], out["mat struct"] = {"scene.mat": mat.getvalue()}, {"scene.mat": deep.getvalue()}

    for name, options in (("tiff", {}), ("tiff deflate", {"compress": "deflate", "tiled": True, "blockxsize": 16,
                                                          "blockysize": 16})):  # fmt: skip
        file = folder / "scene.tif"
        with rasterio.open(
            file, "w", driver="GTiff", height=ROWS, width=COLS, count=BANDS, dtype="float32", crs="EPSG:32616",
            transform=Affine(2, 0, 500000, 0, -2, 4400000), nodata=-9999, **options,
        ) as made:  # fmt: skip
            made.write(values.transpose(2, 0, 1))
            for band, nm in enumerate(NM, start=1):
                made.update_tags(band, wavelength=f"{nm:.1f}", wavelength_units="nm")
        out[name] = {"scene.tif": file.read_bytes()}

    def hdf(write: object) -> bytes:
        file = folder / "scene.h5"
        with h5py.File(file, "w") as made:
            write(made)  # type: ignore[operator]
        return file.read_bytes()

    def usual(made: h5py.File) -> None:
        data = made.create_dataset("group/cube", data=values, chunks=(5, 5, BANDS), compression="gzip")
        data.attrs["wavelengths"], data.attrs["units"] = NM, "nm"
        made["wavelength"], made["gt"] = NM, gt

    def netcdf(made: h5py.File) -> None:
        made["reflectance"] = values.transpose(2, 0, 1)
        made["reflectance"].attrs["grid_mapping"] = "crs"
        made["crs"] = np.int8(0)
        made["crs"].attrs["crs_wkt"], made["crs"].attrs["GeoTransform"] = "EPSG:32616", "500000 2 0 4400000 0 -2"
        made["wavelength"], made["x"], made["y"] = NM, 500000.0 + 2 * np.arange(COLS), 4400000.0 - 2 * np.arange(ROWS)

    def external(made: h5py.File) -> None:
        made.create_dataset("cube", (ROWS, COLS, BANDS), "<f4", external=[(str(secret), 0, values.nbytes)])

    def linked(made: h5py.File) -> None:
        made["cube"] = h5py.ExternalLink(str(secret), "/cube")
        made["soft"] = h5py.SoftLink("/nowhere")

    def virtual(made: h5py.File) -> None:
        layout = h5py.VirtualLayout(values.shape, "<f4")
        layout[:] = h5py.VirtualSource(str(secret), "cube", values.shape)
        made.create_virtual_dataset("cube", layout)

    for name, write in {"hdf": usual, "netcdf": netcdf, "hdf external": external, "hdf linked": linked,
                        "hdf virtual": virtual}.items():  # fmt: skip
        out[name] = {"scene.h5": hdf(write)}
    out["mat 7.3"] = {"scene.mat": b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(384) + hdf(usual)}
    out["vrt"] = {"scene.vrt": _vrt(secret), "scene.tif": out["tiff"]["scene.tif"]}
    return out


def _vrt(secret: Path) -> bytes:
    bands = "".join(
        f'<VRTRasterBand dataType="Float32" band="{b + 1}"><SimpleSource><SourceFilename>{secret}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for b in range(BANDS)
    )
    return f'<VRTDataset rasterXSize="{COLS}" rasterYSize="{ROWS}">{bands}</VRTDataset>'.encode()


def labels() -> dict[str, Files]:
    """Of every format of labels."""
    points = [(1, 2, "corn"), (3, 4, "corn"), (5, 6, "oak"), (0, 0, "oak")]
    rows = "row,col,class,color\n" + "".join(f"{r},{c},{name},#ff0000\n" for r, c, name in points)
    lonlat = "lon;lat;class\n" + "".join(f"{-87 + c / 1e5};{39.7 + r / 1e5};{name}\n" for r, c, name in points)
    features = [
        {"type": "Feature", "properties": {"class": name, "row": r, "col": c, "color": "#00ff00"},
         "geometry": {"type": "Point", "coordinates": [500000 + 2 * c + 1, 4400000 - 2 * r - 1]}}
        for r, c, name in points
    ]  # fmt: skip
    ring = [[500000, 4400000], [500010, 4400000], [500010, 4399990], [500000, 4399990], [500000, 4400000]]
    features.append(
        {"type": "Feature", "properties": {"class": "field"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    )
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}
    found = {"type": "FeatureCollection", "crs": crs, "features": features}
    for feature in features[:2]:
        feature["properties"] = {"class": "corn"}
    return {
        "csv": {"labels.csv": rows.encode()},
        "csv lonlat": {"labels.csv": lonlat.encode()},
        "geojson": {"labels.geojson": json.dumps(found, indent=1).encode()},
        "geojson points": {"labels.geojson": json.dumps({**found, "features": features[:4]}).encode()},
    }
