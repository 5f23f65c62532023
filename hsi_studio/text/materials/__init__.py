"""A bank of materials: their names in five languages, their spectra, and which of them a text means."""
