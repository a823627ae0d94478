"""Faces and persons in frames: one interface, a module a detector."""
