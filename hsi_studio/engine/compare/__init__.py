"""Comparisons: arms on the same draws, with paired statistics and a report."""
