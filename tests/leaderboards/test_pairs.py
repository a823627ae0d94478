"""Pairs of the cross task."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.leaderboards.evaluation.pairs import draw_pairs


def clips(*names: str) -> list[Clip]:
    """Clips whose person is the first letter; '?' is unknown."""
    return [Clip(name, Path(name), "test", None if name[0] == "?" else name[0]) for name in names]


def test_the_same_seed_draws_the_same_pairs_and_another_draws_others() -> None:
    everyone = clips(*(f"{person}{number}" for person in "abcdef" for number in range(4)))
    first = draw_pairs(everyone, everyone, 20, seed=1)
    assert draw_pairs(everyone, everyone, 20, seed=1) == first
    assert draw_pairs(everyone, everyone, 20, seed=2) != first


def test_all_pairs_are_different_people_and_none_is_drawn_twice() -> None:
    everyone = clips("a1", "a2", "b1", "?1", "?2")
    pairs = draw_pairs(everyone, everyone, 18, seed=0)
    assert len(set(pairs)) == 18
    assert all(pair.source != pair.driving for pair in pairs)
    assert not any({pair.source, pair.driving} == {"a1", "a2"} for pair in pairs)
    assert {pair.driving for pair in pairs[:5]} == {"a1", "a2", "b1", "?1", "?2"}
    with pytest.raises(InputError, match="18"):
        draw_pairs(everyone, everyone, 19, seed=0)


def test_one_driving_clip_takes_sources_from_everyone() -> None:
    everyone = clips("a1", "a2", "b1")
    assert [(pair.source, pair.driving) for pair in draw_pairs(everyone[:1], everyone, 1, seed=0)] == [("b1", "a1")]
