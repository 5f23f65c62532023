"""Model files, the library of them, and what is loaded at a time."""
