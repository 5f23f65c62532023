"""Which attribute is the class, by the names that programs and people give it.

A name of `CLASS` is taken, the first of them that there is. Without one, the only attribute that is neither a number of
the feature, a place, a measure nor a style is taken with a note; of several the user has to choose.
Names are compared without case, accents, blanks and units: "Klasse", "class-name", "X [m]" are klasse, class_name, x.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hsi_studio.errors import ChooseLabels, FileProblem
from hsi_studio.io.label_files.records import MOST_CLASSES

CLASS = (
    "class", "class_name", "classname", "label", "label_name", "klasse", "klassenname", "klassename", "classe",
    "nom_classe", "clase", "nombre_clase", "klass", "klasa", "trida", "luokka", "osztaly", "categoria", "categorie",
    "kategorie", "category", "landcover", "land_cover", "lc_class", "lulc", "cover", "bezeichnung", "name", "nom",
    "nombre", "class_id",
    "classid", "class_code", "classvalue", "klassen_id", "id_classe", "label_id",
)  # fmt: skip
ROW = ("row", "line", "row_index", "pixel_row", "zeile", "ligne", "fila", "riga")
COL = ("col", "column", "sample", "col_index", "pixel_col", "spalte", "colonne", "columna", "colonna")
X = (
    "x", "easting", "east", "map_x", "x_coord", "xcoord", "x_coordinate", "point_x", "coord_x", "x_m", "x_utm", "utm_x",
    "utm_e", "e", "rechtswert", "ostwert", "rw", "x_koordinate", "x_wert", "coordx", "este", "est", "pos_x",
)  # fmt: skip
Y = (
    "y", "northing", "north", "map_y", "y_coord", "ycoord", "y_coordinate", "point_y", "coord_y", "y_m", "y_utm",
    "utm_y",
    "utm_n", "n", "hochwert", "nordwert", "hw", "y_koordinate", "y_wert", "coordy", "norte", "nord", "pos_y",
)  # fmt: skip
LON = ("lon", "longitude", "lng", "long", "laenge", "lange", "geogr_laenge", "laengengrad", "langengrad", "longitud",
       "longitudine", "gps_lon", "gps_longitude", "lon_wgs84", "lon_dd", "long_dd", "decimallongitude")  # fmt: skip
LAT = ("lat", "latitude", "breite", "geogr_breite", "breitengrad", "latitud", "latitudine", "gps_lat", "gps_latitude",
       "lat_wgs84", "lat_dd", "decimallatitude")  # fmt: skip
WKT = ("wkt", "geom", "geometry", "wkt_geom", "the_geom", "geometrie")
COLOR = ("color", "colour", "hex", "farbe", "couleur", "fill", "marker_color", "stroke")
WEAK = frozenset(("name", "nom", "nombre", "bezeichnung"))  # of a place as often as of a class
OTHER = frozenset(
    ("fid", "id", "objectid", "oid", "gid", "ogc_fid", "uuid", "guid", "index", "nr", "no", "num", "nummer", "number",
     "globalid", "shape_leng", "shape_length", "shape_area", "shape_le_1", "area", "length", "perimeter",
     "flaeche", "begin", "end",
     "timestamp", "time", "date", "datum", "created", "modified", "altitudemode", "tessellate", "extrude", "visibility",
     "draworder", "icon", "snippet", "elevation", "ele", "z", "altitude", "height_m", "crs", "epsg", "zone", "accuracy",
     "stroke_width",
     "stroke_opacity", "fill_opacity", "marker_size", "marker_symbol", "layer", "path", "comment", "remark",
     "bemerkung",
     "notes")
)  # fmt: skip
PLACES = frozenset((*ROW, *COL, *X, *Y, *LON, *LAT, *WKT, *COLOR)) - {"e", "n"}

UNIT = re.compile(r"[\[(][^\[\]()]*[\])]")  # looked for in one pass: a name may be nothing but brackets
LONGEST_NAME = 200  # no word above has as many characters


def plain(name: Any) -> str:
    """ "X [m]" → "x", "Geogr. Länge" → "geogr_lange"."""
    text = UNIT.sub("", str(name)[:LONGEST_NAME]).strip().strip("\"'").casefold()
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "_", text).strip("_")


def column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The column whose plain name comes first in `wanted`."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    return next((by_plain[w] for w in wanted if w in by_plain), None)


def class_attribute(
    path: Path, columns: Mapping[str, Sequence[Any]], asked: str | None, what: str = "attribute"
) -> tuple[str, str]:
    """(attribute, why in words, or "" where it is taken for granted).

    Raises ChooseLabels with the attributes and examples where several fit, FileProblem where there is none.
    """
    names = list(columns)
    if asked is not None:
        found = next((n for n in names if n == asked), None) or next(
            (n for n in names if n.casefold() == asked.strip().casefold()), None
        )
        if found is None:
            raise choose(path, columns, f"it has no {what} {asked[:60]!r}", what)
        return found, ""
    known = column(names, CLASS)
    left = [n for n in names if plain(n) not in PLACES | OTHER and _may_be_classes(columns[n])]
    if known is not None and any(text_of(v) for v in columns[known]):
        count = len(distinct(columns[known]))
        rivals = [n for n in left if n != known and len(distinct(columns[n])) < count]
        if plain(known) in WEAK and rivals and count == len(columns[known]) > 7:
            raise choose(path, columns, f"every feature has another “{known}”, so that may be no class", what)
        spelled = _names_of_numbers(columns, known)
        if spelled is not None:
            return spelled, f"“{known}” holds numbers; their names are in “{spelled}”, which is taken."
        return known, ""
    count = len(distinct(columns[left[0]])) if len(left) == 1 else 0
    if 0 < count <= MOST_CLASSES and (count < len(columns[left[0]]) or count < 4):
        return left[0], f"The class is taken from “{left[0]}”, the only {what} that may be one."
    if known is not None:
        return known, ""
    raise choose(path, columns, f"it is not clear which {what} is the class", what)


def _names_of_numbers(columns: Mapping[str, Sequence[Any]], known: str) -> str | None:
    """The attribute that names the classes which `known` gives as numbers: called like a class, one name a number."""
    values = [text_of(v).strip() for v in columns[known]]
    if not all(value.lstrip("-").isdigit() for value in values if value):
        return None
    for name in columns:
        if name == known or plain(name) not in CLASS:
            continue
        texts = [text_of(v).strip() for v in columns[name]]
        pairs = {(value, text) for value, text in zip(values, texts, strict=True) if value or text}
        words = not any(text.lstrip("-").replace(".", "", 1).isdigit() for text in texts)
        if words and all(texts) and len(pairs) == len(set(values)) == len(set(texts)):
            return name
    return None


def _may_be_classes(values: Sequence[Any]) -> bool:
    """Not empty, and no measures: numbers with a fraction."""
    texts = [text_of(v) for v in values]
    return any(texts) and not any(isinstance(v, float) and not v.is_integer() and v == v for v in values)


def choose(path: Path, columns: Mapping[str, Sequence[Any]], problem: str, what: str = "attribute") -> FileProblem:
    """The error that lists the attributes with example values; those that are no place come first."""
    if not columns:
        return FileProblem(path, f"its features have no {what}", "Give every feature a class, in an attribute “class”")
    ordered = sorted(columns, key=lambda n: (plain(n) in PLACES | OTHER, len(distinct(columns[n])) < 2))
    options = described({name: columns[name] for name in ordered[:60]})
    listed = "; ".join(f"{name} ({words})" for name, words in options[:12])
    return ChooseLabels(
        path, problem, f"Name it (--attribute NAME, or call it class): {listed}", field="attribute", options=options
    )


def described(columns: Mapping[str, Sequence[Any]]) -> list[tuple[str, str]]:
    """(attribute, its values in words) for the user to choose from."""
    options = []
    for name in columns:
        values = distinct(columns[name])
        examples = ", ".join(value[:24] for value in values[:3]) + (" …" if len(values) > 3 else "")
        options.append((name, f"{len(values)} values: {examples}" if len(values) > 1 else examples or "empty"))
    return options


def distinct(values: Sequence[Any]) -> list[str]:
    """Different values as text, in their order; the empty ones left out."""
    return list(dict.fromkeys(text for text in map(text_of, values) if text.strip()))


def text_of(value: Any) -> str:
    """An attribute's value as a class name: 3.0 is "3", nothing and NaN are ""."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) or type(value).__name__.startswith("float"):
        return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
    if isinstance(value, (list, dict)):
        return ""
    text = str(value)
    return "" if text == "NaT" else text
