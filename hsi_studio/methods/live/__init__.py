"""The map that follows the clicks."""
