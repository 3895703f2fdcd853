"""Loops compiled by numba, one kernel a file; private. Nothing is compiled at import."""
