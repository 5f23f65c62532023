"""Faults in what came last: CF grids, classic netCDF, moved scenes, minerals, superpixels' weights, single pixels."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

CF_GRID, CF_TESTS = "hsi_studio/scene/rules/cf_grid.py", "tests/scene/rules/test_cf_grid.py"
CLASSIC, CLASSIC_TESTS = "hsi_studio/scene/formats/classic_netcdf.py", "tests/scene/formats/test_netcdf3.py"
MINERALS, MINERAL_TESTS = "hsi_studio/text/materials/minerals.py", "tests/text/materials/test_minerals.py"
GUIDE, GUIDE_TESTS = "hsi_studio/features/guide.py", "tests/features/test_guide.py"
ALONE, ALONE_TESTS = "hsi_studio/methods/live/alone.py", "tests/methods/live/test_alone.py"
MOVED, MOVED_TESTS = "hsi_studio/studio/moved_scenes.py", "tests/studio/test_moved_scenes.py"

RECENT: tuple[Mutation, ...] = (
    # ── CF grids ────────────────────────────────────────────────────────────────────────────────
    Mutation(
        "every-earth-is-wgs84",
        "spheres and prime meridians of a CF grid count as WGS 84",
        CF_GRID,
        "figure = _figure(text) if rules > 7 else _former_figure(text)",
        "figure = _former_figure(text)",
        CF_TESTS,
        (
            "test_the_figure_of_the_earth_is_the_files_own",
            "test_longitudes_count_from_the_files_own_prime_meridian",
        ),
    ),
    Mutation(
        "false-eastings-always-metres",
        "a false easting of 500 km is one of 500 m",
        CF_GRID,
        "return found * each if rules > 7 and",
        "return found if rules > 7 and",
        CF_TESTS,
        ("test_false_eastings_are_in_the_unit_of_the_coordinates",),
    ),
    Mutation(
        "uneven-is-a-grid",
        "coordinates of uneven steps are a grid of their mean step",
        CF_GRID,
        "if step == 0 or not np.allclose(",
        "if step == 0 and not np.allclose(",
        CF_TESTS,
        ("test_uneven_coordinates_and_unknown_projections_are_told",),
    ),
    # ── classic netCDF ──────────────────────────────────────────────────────────────────────────
    Mutation(
        "records-without-padding",
        "records of several variables lie behind one another without their padding",
        CLASSIC,
        "else sum(n + -n % 4 for n in one_behind)",
        "else sum(one_behind)",
        CLASSIC_TESTS,
        ("test_records_of_odd_sizes_are_padded_unless_there_is_one_variable",),
    ),
    Mutation(
        "lone-records-with-padding",
        "records of the only unlimited variable have padding",
        CLASSIC,
        "step = one_behind[0] if len(one_behind) == 1 else sum(",
        "step = sum(",
        CLASSIC_TESTS,
        ("test_records_of_odd_sizes_are_padded_unless_there_is_one_variable",),
    ),
    Mutation(
        "classic-marks-are-values",
        "missing values of a classic netCDF file count as measurements",
        "hsi_studio/scene/formats/netcdf3.py",
        "raster = hdf_values.without_marks(raster, item, rules)",
        "raster = replace(raster, nodata=None)",
        CLASSIC_TESTS,
        ("test_a_cf_file_is_read_as_netcdf_4_is",),
    ),
    # ── moved scenes ────────────────────────────────────────────────────────────────────────────
    Mutation(
        "labels-on-another-scene",
        "a project whose file is gone goes on with the next scene that is opened, whatever that is",
        MOVED,
        "summary.problem or summary.scene_id != scene.id or not was",
        "summary.problem or not was",
        MOVED_TESTS,
        ("test_another_scene_is_not_the_one_that_was_moved",),
    ),
    Mutation(
        "copy-takes-the-project",
        "a project that still has its file is moved to a copy of it",
        MOVED,
        "or was in catalog_ids() or is_there(was):",
        "or was in catalog_ids():",
        MOVED_TESTS,
        ("test_a_project_that_still_has_its_file_stays_with_it",),
    ),
    Mutation(
        "layers-stay-behind",
        "a project that follows its scene names the reference of the old place",
        MOVED,
        "if options.get(key) and summary.scene_spec.get(key)}",
        "if False}",
        MOVED_TESTS,
        ("test_its_reference_comes_along",),
    ),
    Mutation(
        "open-scene-keeps-its-former-place",
        "a world file that is corrected while its scene is open changes nothing",
        "hsi_studio/studio/open_scenes.py",
        "known = former if former and _told(former.scene) == _told(scene) else None",
        "known = former",
        "tests/studio/test_sidecars.py",
        ("test_a_world_file_that_comes_or_is_corrected_gives_the_open_scene_its_place",),
    ),
    # ── minerals ────────────────────────────────────────────────────────────────────────────────
    Mutation(
        "calcite-has-dolomites-band",
        "calcite's deepest band lies where dolomite's does",
        MINERALS,
        "(2338, 56, 0.42)",
        "(2318, 56, 0.42)",
        MINERAL_TESTS,
        ("test_the_deepest_band_lies_where_it_was_published",),
    ),
    Mutation(
        "grains-are-patches",
        "minerals mix as patches beside one another do, not as grains",
        MINERALS,
        "return _reflectance(share * _albedo(one) + (1.0 - share) * _albedo(other))",
        "return share * one + (1.0 - share) * other",
        MINERAL_TESTS,
        ("test_grains_beside_each_other_are_darker_than_patches_beside_each_other",),
    ),
    # ── superpixels' weights in a pixel, and single pixels ──────────────────────────────────────
    Mutation(
        "superpixel-counts-twice",
        "a superpixel that is met in two directions counts twice in a pixel",
        GUIDE,
        "force[k, earlier == there] = -np.inf",
        "force[k, earlier == there] -= 0.0",
        GUIDE_TESTS,
        ("test_a_pixel_on_the_wrong_side_of_an_edge_belongs_to_the_superpixel_it_is_like",),
    ),
    Mutation(
        "weights-by-place-alone",
        "pixels between superpixels go by distance alone, not by what they are like",
        GUIDE,
        "-apart / max(spread, 1e-12) - away / (4.0 * side**2)",
        "-away / (4.0 * side**2)",
        GUIDE_TESTS,
        ("test_a_pixel_on_the_wrong_side_of_an_edge_belongs_to_the_superpixel_it_is_like",),
    ),
    Mutation(
        "lone-labels-judge",
        "labels that are alone in their class, which nothing can foretell, judge single pixels",
        ALONE,
        "own[told], np.array([MAP_PRIOR, OWN_PRIOR])",
        "own, np.array([MAP_PRIOR, OWN_PRIOR])",
        ALONE_TESTS,
        ("test_a_label_that_is_alone_in_its_class_has_no_say",),
    ),
    Mutation(
        "single-pixels-always-speak",
        "single pixels speak where left-out labels say that superpixels know better",
        ALONE,
        "if share < LEAST:",
        "if share < 0.0:",
        GUIDE_TESTS,
        ("test_wide_fields_ask_no_pixel",),
    ),
    Mutation(
        "confidence-of-the-map-before",
        "left-out labels are told by the map without single pixels",
        ALONE,
        "mixed = np.asarray((1.0 - share) * left_out + share * self.left_out,",
        "mixed = np.asarray(left_out,",
        ALONE_TESTS,
        ("test_left_out_labels_speak_of_the_mixture",),
    ),
)
