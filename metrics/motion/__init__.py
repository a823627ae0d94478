"""Measures of motion and of faces: pose, expression, stability over time, and errors in parts of a face."""
