"""The ``skahaclient`` command."""
