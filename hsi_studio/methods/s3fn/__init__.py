"""S3FN (Islam et al. 2025)."""

from __future__ import annotations

from hsi_studio.methods.s3fn.method import S3FN

METHOD = S3FN()
