"""Clips of everyone who is seen in footage that nobody annotated."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lia_bench.preprocessing.detection.registry import what_detects
from lia_bench.preprocessing.layouts import Layout
from lia_bench.preprocessing.options import DetectorChoice
from lia_bench.preprocessing.search import Search, SearchPlan, Unit, as_settings
from lia_bench.preprocessing.tracking.unannotated import SEARCH, SearchRule, search_subjects

if TYPE_CHECKING:
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.search import Finding


def plan_subjects(layout: Layout, detector: DetectorChoice, min_size: int, min_frames: int) -> SearchPlan:
    """A search of every unit for tubes of at least `min_frames` frames and `min_size` pixels."""
    crop = replace(SEARCH.tube.crop, min_size=min_size, min_frames=min_frames)
    rule = replace(SEARCH, tube=replace(SEARCH.tube, crop=crop))
    settings = {"detector": detector.name, "rule": as_settings(rule)}
    search = partial(build_search, detector, rule)
    return SearchPlan(layout.units, search, settings, layout.decided, what_detects(detector.name))


def build_search(detector: DetectorChoice, rule: SearchRule) -> Search:
    """The search of one video, with the detector loaded."""
    from lia_bench.preprocessing.detection.registry import build_detector

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: Unit) -> "list[Finding]":
        findings = search_subjects(footage, unit.video_id, built, unit.partition, rule)
        return [_of_person(finding, unit.person_id) for finding in findings]

    return search


def _of_person(finding: "Finding", person_id: str | None) -> "Finding":
    if person_id is None:
        return finding
    text = {**finding.row.text, "person_id": person_id}
    row = finding.row.model_copy(update={"person_id": person_id, "text": text})
    return replace(finding, clip=f"{person_id}#{finding.clip}", row=row)
