"""A model as ONNX graphs: written, described, and run without torch."""
