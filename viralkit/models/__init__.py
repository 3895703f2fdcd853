"""Model fits, one family a file."""
