"""For the programs inside sessions."""
