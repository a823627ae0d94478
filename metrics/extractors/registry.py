"""The extractors there are: a module here that defines EXTRACTOR, or an entry point `lia_bench.extractors`."""

import lia_bench.metrics.extractors
from lia_bench.core.registry import Registry
from lia_bench.metrics.extractors.extractor import ExtractorSpecification

EXTRACTORS: Registry[ExtractorSpecification] = Registry(
    "extractor", ExtractorSpecification, lia_bench.metrics.extractors, "EXTRACTOR", "lia_bench.extractors"
)
