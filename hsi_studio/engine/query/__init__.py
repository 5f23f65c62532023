"""Questions in words: heat maps, regions, maps from texts alone."""
