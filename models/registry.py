"""The models there are: a folder here that defines SPECIFICATION, or an entry point `lia_bench.models`."""

import lia_bench.models
from lia_bench.core.registry import Registry
from lia_bench.models.specification import ModelSpecification

MODELS: Registry[ModelSpecification] = Registry("model", lia_bench.models, "SPECIFICATION", "lia_bench.models")
