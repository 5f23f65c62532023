"""Many methods, shots and draws at once: resumable cells and their tables."""
