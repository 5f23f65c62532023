"""netCDF files of the classic format, as older tools and models write them: read where they stand, by netCDF-4's rules.

Scale, offset, missing values and limits, dimensions' names, coordinates and grid mappings: `hdf_values`, `hdf_place`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.scene.formats import containers, hdf, hdf_place, hdf_values
from hsi_studio.scene.formats.classic_netcdf import VERSIONS, Group, Item, read_file
from hsi_studio.scene.formats.variables import Variable
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Candidate, Raster, first_bytes
from hsi_studio.scene.rules.values import unit_of


class ClassicReader:
    """netCDF other than netCDF-4, which is HDF5."""

    name = "netcdf"
    title = "netCDF (classic)"
    extensions = (".nc", ".cdf", ".nc3")
    takes_axes = takes_rules = layer_takes_rules = True

    def sniff(self, path: Path) -> bool:
        head = first_bytes(path, 4)
        return head[:3] == b"CDF" and len(head) == 4 and head[3] in VERSIONS

    def open(self, path: Path, variable: str | None, axes: str | None = None, rules: int = RULES) -> Raster:
        group = read_file(path)
        raster = containers.assemble(path, _list(group, rules), variable, axes, rules)
        item = group[raster.facts["variable"].value]
        raster = hdf_values.without_marks(raster, item, rules)
        raster = replace(raster, value_unit=unit_of(hdf_values.text(item.attrs.get("units", item.attrs.get("Units")))))
        return hdf_place.on_cf_grid(raster, group, item, rules)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None, rules: int = RULES) -> Raster:
        group = read_file(path)
        variables = _list(group, rules)
        chosen = containers.pick_layer(path, variables, variable, shape)
        raster = containers.as_layer(path, chosen, variables, shape)
        names = hdf_values.flag_names(group[chosen.name])
        raster = replace(raster, class_names=names) if names else raster
        return hdf_place.on_cf_grid(raster, group, group[chosen.name], rules)

    def variables(self, path: Path) -> list[Candidate]:
        return [v.candidate for v in _list(read_file(path)) if v.numeric]


def _list(group: Group, rules: int = RULES) -> list[Variable]:
    found: list[Variable] = []
    for name, item in group.items.items():
        if not item.shape or 0 in item.shape:
            continue
        if item.dtype.kind == "S":
            if len(item.shape) <= 2 and item.size <= hdf.MOST_TEXTS * 100:
                found.append(_texts(name, item))
            continue
        found += hdf.in_attributes(name, item, rules) if len(item.shape) == 3 else []
        load = partial(item.load, hdf_values.dtype_of(item, rules))
        found.append(hdf.described(name, item, load, item.dims, rules))
    return found


def _texts(name: str, item: Item) -> Variable:
    """Characters (n, length), or (length,), as texts."""
    characters = np.ascontiguousarray(item[...])
    rows = characters.reshape(-1, characters.shape[-1])
    plain = np.array([b"".join(row.tolist()).decode("utf-8", "replace").rstrip("\0 ") for row in rows])
    return Variable(name, plain.shape, plain.dtype, lambda: plain)


READER: Any = ClassicReader()
