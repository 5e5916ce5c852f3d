"""What Skaha answers, typed: whichever version of it, in one vocabulary."""
