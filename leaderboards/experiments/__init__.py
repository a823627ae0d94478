"""Experiments of papers as files: what they measure on what, and the published table that they stand beside."""
