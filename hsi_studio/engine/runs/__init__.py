"""Trainings: records, queue, worker side, forecasts, curves."""
