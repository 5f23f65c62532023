"""Small generated scenes for the tests: those that plug-ins are tested with too."""

from hsi_studio.testing.scenes import draw_labels, fields, scene_from, schema, survey, with_gaps

__all__ = ["draw_labels", "fields", "scene_from", "schema", "survey", "with_gaps"]
