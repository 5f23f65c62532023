"""What most tests of the page begin with: as those of the studio, 30 × 30 pixels, classes “upper” and “lower”, three
labels each; no reference, no surface model."""

from tests.studio.conftest import project, studio

__all__ = ["project", "studio"]
