"""What lia-bench lists of the metrics; torch is imported with `scores`, when one is computed."""

from lia_bench.core.weights import WeightFile
from lia_bench.metrics.extractors.extractor import ExtractorSpecification
from lia_bench.metrics.specification import Compares, MetricSpecification, opened_by

COLOUR = MetricSpecification(
    name="colour",
    alias="colour",
    subjects=(),
    summary="difference of the frames' mean colours, images in [0, 1]",
    better="lower",
    decimals=4,
    open=opened_by("theirs.scores:open_colour"),
)

WEIGHTS = WeightFile(
    name="theirs-texture",
    file_name="theirs_texture.pth",
    source="https://example.org/theirs_texture.pth",
    used_by="metric texture",
    licence="CC0-1.0",
)

EXTRACTOR = ExtractorSpecification(
    name="theirs-texture",
    summary="one layer of eight filters: their means over the frame",
    weights=(WEIGHTS.name,),
    shape=(8,),
    build="theirs.scores:open_filters",
)

TEXTURE = MetricSpecification(
    name="texture",
    alias="texture",
    subjects=(),
    summary="distance between means of eight filters",
    better="lower",
    decimals=4,
    open=opened_by("theirs.scores:open_texture"),
    compares=Compares.FEATURES,
    extractor=EXTRACTOR.name,
)
