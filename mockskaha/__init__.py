"""mockskaha: the CANFAR Science Platform's Skaha service, offline.

PYTEST_DONT_REWRITE: pytest rewrites what is installed beside a plugin, and complains when it was imported before it.
"""

__version__ = "0.1.0.dev0"
