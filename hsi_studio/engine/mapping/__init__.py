"""From a fitted model to a map of a whole scene."""
