"""Studies: a scenario simulated, what it yields, and how two of them compare."""
