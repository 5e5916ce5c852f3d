"""Faults: rules by which answers go wrong, connections break, and sessions meet a fate; and presets of them."""
