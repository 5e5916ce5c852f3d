"""mockskaha: the CANFAR Science Platform's Skaha service, offline."""

__version__ = "0.1.0.dev0"
