"""Faults in reading strangers' files: each was wrong in silence once."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

TESTS = "tests/scene/rules/test_strangers_files.py"

STRANGERS: tuple[Mutation, ...] = (
    Mutation(
        "layer-without-its-place",
        "heights and references of netCDF are laid on pixel by pixel",
        "hsi_studio/scene/formats/hdf.py",
        "return hdf_place.on_cf_grid(raster, handle, handle[chosen.name]) if rules > 6 else raster",
        "return raster",
        TESTS,
        ("test_a_layer_of_netcdf_lies_where_its_coordinates_say",),
    ),
    Mutation(
        "feet-are-metres",
        "heights in feet count as metres",
        "hsi_studio/scene/labelmap.py",
        "layers, notes = layers * np.float32(factor), (*notes, height_unit.note(path.name, factor, unit))",
        "notes = (*notes, height_unit.note(path.name, factor, unit))",
        TESTS,
        ("test_heights_in_another_unit",),
    ),
    Mutation(
        "first-missing-value",
        "of several missing values of netCDF only the first counts",
        "hsi_studio/scene/formats/hdf_values.py",
        "return [v for v in dict.fromkeys(found) if v != one and np.isfinite(v)]",
        "return []",
        TESTS,
        ("test_every_missing_value_counts",),
    ),
    Mutation(
        "counted-pixels-are-a-place",
        "vectors that only count pixels are map coordinates",
        "hsi_studio/scene/formats/hdf_place.py",
        "if fits and (rules < 7 or not _counts(item)):",
        "if fits:",
        TESTS,
        ("test_vectors_that_count_pixels_are_no_place",),
    ),
    Mutation(
        "names-one-off",
        "the names of a classification that begin with a class are one off",
        "hsi_studio/scene/rules/classes.py",
        "names = {value + 1: name for value, name in names.items()}",
        "names = dict(names)",
        TESTS,
        ("test_class_names_that_begin_with_a_class",),
    ),
    Mutation(
        "brace-swallows-lists",
        "a brace that is not closed swallows the lists behind it",
        "hsi_studio/scene/rules/header_text.py",
        "if collected is not None and any(BEGINS_A_LIST.match(line) for line in lines[at:after]):",
        "if False:",
        TESTS,
        ("test_a_brace_that_is_not_closed_ends_before_the_next_field",),
    ),
    Mutation(
        "mask-by-its-first-layer",
        "of a mask with several layers the first is taken",
        "hsi_studio/scene/labelmap.py",
        "if values.shape[2] != 1 and (not isinstance(size, Grid) or size.rules > 6):",
        "if False:",
        "tests/scene/rules/test_strangers_folders.py",
        ("test_a_mask_of_several_layers_is_refused",),
    ),
    Mutation(
        "torn-names-are-taken",
        "class names that a comma tore are given to the classes, one off",
        "hsi_studio/scene/formats/envi.py",
        "if told.isdecimal() and 0 < int(told) < len(names) and colors == 3 * int(told):",
        "if False:",
        TESTS,
        ("test_names_that_a_comma_has_torn_belong_to_nobody",),
    ),
    Mutation(
        "gdal-south-up-is-mirrored",
        "a picture from south to north that GDAL wrote as ENVI is mirrored from west to east",
        "hsi_studio/scene/rules/georeference.py",
        "if abs(rotation) == 180:",
        "if False:",
        "tests/scene/formats/test_envi.py",
        ("test_a_picture_from_south_to_north_that_gdal_wrote",),
    ),
)
