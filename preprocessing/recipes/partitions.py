"""Who is seen in the test clips: the published identity-disjoint splits of VoxCeleb1, VoxCeleb2 and UvA-Nemo."""

import hashlib
from typing import Literal

Partition = Literal["train", "test"]

VOXCELEB1_TEST = frozenset(f"id{number}" for number in range(10270, 10310))
"""40 persons, VoxCeleb1's own test set for verification."""

# fmt: off
VOXCELEB2_TEST = frozenset(
    f"id{number:05d}"
    for number in (
        17, 61, 81, 154, 419, 562, 812, 817, 866, 926, 1000, 1041, 1066, 1106, 1224, 1228, 1298, 1333, 1437, 1460,
        1509, 1541, 1567, 1593, 1618, 1822, 1892, 1989, 2019, 2057, 2086, 2181, 2286, 2317, 2445, 2465, 2542, 2548,
        2576, 2577, 2685, 2725, 2745, 3030, 3041, 3127, 3178, 3347, 3382, 3524, 3677, 3789, 3839, 3862, 3969, 3978,
        3980, 3981, 4006, 4030, 4094, 4119, 4232, 4253, 4276, 4295, 4366, 4478, 4536, 4570, 4627, 4656, 4657, 4862,
        4950, 5015, 5055, 5124, 5176, 5202, 5459, 5594, 5654, 5714, 5816, 5850, 5999, 6104, 6209, 6310, 6484, 6692,
        6811, 6816, 6913, 7312, 7354, 7396, 7414, 7426, 7494, 7620, 7621, 7663, 7802, 7868, 7874, 7961, 8149, 8374,
        8392, 8456, 8548, 8552, 8696, 8701, 8911, 9017,
    )
)
"""118 persons, as many as the official test set has."""

NEMO_TEST = frozenset(
    f"{number:03d}"
    for number in (
        4, 71, 93, 105, 112, 116, 133, 141, 148, 155, 162, 166, 172, 174, 176, 201, 205, 213, 215, 225, 263, 265, 270,
        304, 336, 343, 400, 414, 418, 445, 447, 450, 456, 483, 492, 502, 505, 510, 525, 536, 553,
    )
)
# fmt: on
"""41 persons of UvA-Nemo."""


def voxceleb_partition(person_id: str) -> Partition:
    """Partition of a person of VoxCeleb1 or VoxCeleb2, whose identifiers never coincide."""
    return "test" if person_id in VOXCELEB1_TEST or person_id in VOXCELEB2_TEST else "train"


def nemo_partition(person_id: str) -> Partition:
    """Partition of a person of UvA-Nemo: the part of a file's name before the first '_'."""
    return "test" if person_id in NEMO_TEST else "train"


def partition_by_share(key: str, share: float) -> Partition:
    """Partition of a person or video by its name alone: about `share` of all names are for testing.

    What comes to a dataset later moves nothing that is there.
    """
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
    return "test" if drawn < share else "train"
