"""The two sets of rules that metrics are computed by."""

from enum import StrEnum


class Protocol(StrEnum):
    """How numbers are computed where the literature and a sound definition part (docs/metrics.md lists where).

    `LITERATURE` does what the published evaluation scripts do, quirk by quirk, so that numbers stand beside published
    ones. `STRICT` is the well-defined version: true distances, and frames in which a model lost the subject count
    against it.
    """

    LITERATURE = "literature"
    STRICT = "strict"
