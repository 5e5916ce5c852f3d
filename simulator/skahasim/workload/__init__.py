"""Workloads: what arrives, from a file, from a live service, or from a model."""
