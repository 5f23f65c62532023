"""Baselines on single spectra and on spectral-spatial features."""

from __future__ import annotations

from hsi_studio.methods.classic.method import Knn, Lda, RandomForest, Svm

METHOD = [Svm(), RandomForest(), Lda(), Knn()]
