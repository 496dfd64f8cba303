"""Mistakes planted in the source, to see whether a test notices."""
