"""Optional language models that draft class descriptions."""
