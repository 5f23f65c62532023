"""File formats, one module each: every one that ends with `READER = …` is found by itself."""
