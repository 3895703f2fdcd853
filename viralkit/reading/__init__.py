"""Readers: your files in, tables of the kit out."""
