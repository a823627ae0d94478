"""The models there are: a folder here that defines SPECIFICATION, or an entry point `lia_bench.models`."""

import lia_bench.models
from lia_bench.core.registry import FolderRegistry
from lia_bench.models.specification import ModelSpecification

MODELS: FolderRegistry[ModelSpecification] = FolderRegistry(
    "model", ModelSpecification, lia_bench.models, "SPECIFICATION", "lia_bench.models"
)
