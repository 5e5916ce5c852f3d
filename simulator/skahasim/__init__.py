"""skahasim: a discrete-event model of the queue and cluster behind Skaha. Knows no HTTP."""
