"""Which source goes with which driving video when the two show different people."""

import random
from collections import Counter
from collections.abc import Sequence

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.leaderboards.results.report import ClipPair

# FOMM's authors animate as many pairs of test clips.
USUAL_COUNT = 50


def draw_pairs(driving: Sequence[Clip], sources: Sequence[Clip], count: int, seed: int) -> list[ClipPair]:
    """`count` different pairs; every driving clip is drawn once before one is drawn again.

    A clip without a person_id counts as a person of its own.

    Raises:
        InputError: there are not that many pairs.
    """
    generator = random.Random(seed)
    sources_of = Counter(_person(clip) for clip in sources)
    possible = sum(len(sources) - sources_of[_person(clip)] for clip in driving)
    if count > possible:
        raise InputError(
            f"{count} pairs of clips of different persons were asked for and there are {possible}: "
            "take fewer --pairs, or --task reconstruction alone"
        )
    pairs: dict[ClipPair, None] = {}
    while len(pairs) < count:
        for clip in generator.sample(driving, len(driving))[: count - len(pairs)]:
            others = (ClipPair(source.name, clip.name) for source in sources if _person(source) != _person(clip))
            free = [pair for pair in others if pair not in pairs]
            if free:
                pairs[generator.choice(free)] = None
    return list(pairs)


def _person(clip: Clip) -> tuple[str, str]:
    return ("person", clip.person_id) if clip.person_id is not None else ("clip", clip.name)
