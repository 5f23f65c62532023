"""What a coordinate system is called."""

from __future__ import annotations


def crs_name(wkt: str | None) -> str | None:
    """ "EPSG:32616 · WGS 84 / UTM zone 16N", or what the WKT calls itself; None without a CRS."""
    if not wkt:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_wkt(wkt)
    title = wkt.split('"')[1] if '"' in wkt else wkt
    code = crs.to_epsg()
    return f"EPSG:{code} · {title}" if code else title
