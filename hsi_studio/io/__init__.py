"""Exports and imports: maps, figures, labels."""
