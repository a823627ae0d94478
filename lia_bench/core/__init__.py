"""The plumbing below everything: errors, registry, configuration, video, weights, provenance."""
