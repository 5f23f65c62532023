"""Honest figures: splits, metrics with intervals, few-shot protocols."""
