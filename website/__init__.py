"""The documentation site: what is collected, what is generated from registries, and how it is built."""
