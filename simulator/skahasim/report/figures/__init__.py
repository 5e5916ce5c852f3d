"""One module for each figure: ``table`` computes what ``draw`` draws, and nothing else is drawn."""
