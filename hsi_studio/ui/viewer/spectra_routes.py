"""What is compared in the plot of spectra (`spectra_panel.js`): pins, regions, other forms, the library's nearest.

POST /hsi/spectra/{project}                    {pixels, regions, form} → {scene, axis, unit, x, shades, lines: [{y},
                                               {y, low, high, count}]}, pixels first
GET  /hsi/spectra/{project}.csv?pixels=r,c;…   the same pixels as a table
GET  /hsi/matches/{project}/{row}/{col}        {note, bands, matches: [{name, kind, source, angle, y}], x}
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, Field

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.types import FloatArray
from hsi_studio.ui.viewer.spectrum_plot import Grid

UNITS = {"continuum": "share of the continuum", "derivative": "change a nm"}
Corners = list[tuple[float, float]]


class Wanted(BaseModel):
    """At most twelve of both together are shown."""

    pixels: list[tuple[int, int]] = Field([], max_length=13)  # the twelve, and the one that was clicked last
    regions: list[Corners] = Field([], max_length=12)
    form: str = Field("values", max_length=20)


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio."""
    api, spectra = APIRouter(prefix="/hsi", include_in_schema=False), studio.spectra

    @api.post("/spectra/{project_id}")
    def lines(project_id: str, wanted: Wanted) -> dict[str, Any]:
        try:
            grid = Grid(studio.scene_of(project_id))

            def line(values: FloatArray) -> list[float | None]:
                return grid.line(spectra.in_form(project_id, wanted.form, values))

            out: list[dict[str, Any]] = [
                {"y": line(spectra.pixel(project_id, row, col).values)} for row, col in wanted.pixels
            ]
            for corners in wanted.regions:
                found = spectra.region(project_id, corners)
                one: dict[str, Any] = {"y": line(found.mean), "count": found.count}
                if wanted.form == "values":  # the spread of another form is not that form of the spread
                    one["low"], one["high"] = grid.line(found.mean - found.std), grid.line(found.mean + found.std)
                out.append(one)
        except StudioError as error:
            raise HTTPException(400, str(error)) from error
        return {**grid.axes, "x": grid.x, "unit": UNITS.get(wanted.form, grid.axes["unit"]), "lines": out}

    @api.get("/spectra/{project_id}.csv")
    def table(
        project_id: str, pixels: str = Query(max_length=400), form: str = Query("values", max_length=20)
    ) -> Response:
        try:
            if not re.fullmatch(r"\d{1,9},\d{1,9}(;\d{1,9},\d{1,9})*", pixels):
                raise BadRequest("Pixels are written as row,column;row,column.")
            chosen = [(int(r), int(c)) for r, c in (one.split(",") for one in pixels.split(";"))]
            text = spectra.as_csv(project_id, chosen, form)
        except StudioError as error:
            raise HTTPException(400, str(error)) from error
        name = {"Content-Disposition": 'attachment; filename="spectra.csv"', "Cache-Control": "no-store"}
        return Response(text, media_type="text/csv; charset=utf-8", headers=name)

    @api.get("/matches/{project_id}/{row}/{col}")
    def matches(project_id: str, row: int, col: int) -> dict[str, Any]:
        try:
            grid, told = Grid(studio.scene_of(project_id)), spectra.matches(project_id, row, col)
        except StudioError as error:
            raise HTTPException(400, str(error)) from error
        own = spectra.pixel(project_id, row, col).values
        found = []
        for one in told.found:
            both = np.isfinite(own) & np.isfinite(one.values)
            scale = float(
                (own[both] @ one.values[both]) / (one.values[both] @ one.values[both])
            )  # drawn on the pixel's
            found.append({
                "name": one.name, "kind": one.kind or one.name, "source": one.source, "measured": one.measured,
                "angle": round(one.angle_deg, 2), "y": grid.line(one.values * np.float32(scale)),
            })  # fmt: skip
        return {"note": told.note, "bands": told.bands, "x": grid.x, "matches": found}

    return api
