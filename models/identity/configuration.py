"""There is nothing to configure."""

from lia_bench.core.configuration import Section
from lia_bench.models.training.configuration import ModelConfiguration


class IdentityModel(Section):
    """No fields."""


class IdentityConfiguration(ModelConfiguration):
    """No data, loss or schedule: identity is never trained."""

    model: IdentityModel = IdentityModel()
