"""skahasim: a discrete-event model of the queue and cluster behind Skaha. Knows no HTTP.

PYTEST_DONT_REWRITE: pytest rewrites what is installed beside a plugin, and complains when it was imported before it.
"""
