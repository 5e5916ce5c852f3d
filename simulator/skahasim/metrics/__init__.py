"""Metrics of a run and the statistics that compare runs."""
