"""Opening, on every page: files are dropped or chosen, what they are taken for is shown, then the scene opens."""
