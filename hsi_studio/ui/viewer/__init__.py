"""The picture: component, tiles, clicks, heat, what the page shows."""
