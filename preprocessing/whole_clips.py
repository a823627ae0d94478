"""Clips that are whole videos: every frame, from corner to corner."""

from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.clip_table import found_row
from lia_bench.preprocessing.footage import Footage
from lia_bench.preprocessing.layouts import Layout
from lia_bench.preprocessing.search import Finding, Search, SearchPlan, Unit


def plan_whole_clips(layout: Layout) -> SearchPlan:
    """A clip for every unit, called as the unit; a frame that is not square is distorted to one."""
    return SearchPlan(layout.units, build_search, {"search": "whole clips"}, layout.decided, drawn=layout.drawn)


def build_search() -> Search:
    """The search of one video."""
    return search_whole


def search_whole(footage: Footage, unit: Unit) -> list[Finding]:
    """One finding: all of the footage."""
    size = (footage.width, footage.height)
    box = Box(0, 0, *size)
    row = found_row(unit.video_id, unit.person_id, 0, footage.frames, box, footage.fps, size, unit.partition)
    return [Finding(unit.name, row)]
