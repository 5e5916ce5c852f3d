"""skahaclient: the reference client of the Skaha service."""

from skahaclient.connection import Connection
from skahaclient.errors import SkahaError

__all__ = ["Connection", "SkahaError"]
