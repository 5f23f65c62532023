"""Baselines on single spectra and on spectral-spatial features."""
