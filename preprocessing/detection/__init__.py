"""Faces and persons in frames: one interface, and a module for the detectors that share a source."""
