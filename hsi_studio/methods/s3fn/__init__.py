"""S3FN (Islam et al. 2025)."""
