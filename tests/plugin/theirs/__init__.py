"""A model, a metric and a dataset that lia-bench finds by the entry points of this package."""
