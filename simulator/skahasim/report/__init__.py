"""Reports: figures with their tables, on one page that needs no network."""
