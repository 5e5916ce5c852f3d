"""Kueue's admission: quotas, cohorts, flavors, priorities and preemption, in model time."""
