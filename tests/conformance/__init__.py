"""Our schedules against those of others, job for job: ``python -m tests.conformance``."""
