"""Tubes of every subject of footage that nobody annotated: detection alone, one tube a subject and shot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box, increase_to_square, join, overlap
from lia_bench.preprocessing.detection.detector import (
    Detector,
    UprightFootage,
    build_detector,
    scaled,
    scaled_frames,
    size_at_height,
    watch,
    what_detects,
)
from lia_bench.preprocessing.layouts import Layout
from lia_bench.preprocessing.options import DetectorChoice
from lia_bench.preprocessing.search import Finding, Search, SearchPlan, Unit, as_settings
from lia_bench.preprocessing.tracking.tubes import (
    VOXCELEB_TUBES,
    CropRule,
    FittedCropRule,
    Origin,
    Tube,
    TubeRule,
    judge,
)

if TYPE_CHECKING:
    from lia_bench.preprocessing.footage import Footage


THUMBNAIL = (64, 36)
"""Width and height that frames are compared at: small enough that noise and small motion average out."""


class ShotChanges:
    """Hard cuts in frames that come one at a time.

    A frame begins a shot when its thumbnail differs from that of the frame before by more than `threshold` grey
    levels on average over pixels and colours. In nine real clips of talking faces, whole bodies and speakers the
    largest difference without a cut was 17; four cuts between scenes differed by 63 to 76. A dissolve or a fade is
    not noticed: then only what it does to a subject's box ends a tube.
    """

    def __init__(self, threshold: float = 25.0) -> None:
        self.threshold = threshold
        self._before: NDArray[np.int16] | None = None

    def begins(self, frame: Frame) -> bool:
        """Whether this frame begins another shot than the frame given before; never true of the first one.

        Args:
            frame: uint8 RGB (H, W, 3), of any size.
        """
        from PIL import Image

        small = Image.fromarray(frame).resize(THUMBNAIL, Image.Resampling.BOX)
        thumbnail = np.asarray(small, dtype=np.int16)
        before, self._before = self._before, thumbnail
        return before is not None and float(np.abs(thumbnail - before).mean()) > self.threshold


BATCH = 16
"""Frames shown to the detector at a time."""


@dataclass(frozen=True)
class SearchRule:
    """How subjects are followed without annotations.

    Attributes:
        tube: when a tube ends and what becomes of it; the defaults are those of annotated footage.
        iou_with_last: overlap with a tube's last box that a detection needs to be the same subject.
        gap: seconds that a subject may be missed without ending its tube.
        shot_threshold: difference that makes a cut, see `ShotChanges`.
        detection_height: pixels that frames are scaled to for the detector.
    """

    tube: TubeRule = VOXCELEB_TUBES
    iou_with_last: float = 0.3
    gap: float = 0.2
    shot_threshold: float = 25.0
    detection_height: int = 360


SEARCH = SearchRule()


@dataclass
class _Open:
    """A tube that may go on: its start, its first, last and joined box, and the last frame it was seen in."""

    start: int
    first: Box
    last: Box
    around: Box
    seen: int

    def closed(self) -> Tube:
        """The tube as it ends: behind the frame it was last seen in."""
        frames = self.seen + 1 - self.start
        return Tube(self.start, self.seen + 1, frames, self.around)


def search_subjects(
    footage: UprightFootage, video_id: str, detector: Detector, partition: str, rule: SearchRule = SEARCH
) -> list[Finding]:
    """The clips of all subjects of a video, and the tubes that a rule leaves out; faces and persons alike.

    A clip is called <video_id>#<number>, numbered by start, then from left to right, rejected tubes included. Rows
    count at the footage's own rate. An empty list says that the detector never found anyone with room around.

    Raises:
        UnreadableVideoError: a frame cannot be decoded.
    """
    size = size_at_height(footage, rule.detection_height)
    across, down = footage.width / size[0], footage.height / size[1]
    shots = ShotChanges(rule.shot_threshold)
    follower = Follower(rule, footage.fps)
    tubes: list[Tube] = []
    for frame, found in watch(scaled_frames(footage, range(footage.frames), size), detector, BATCH):
        boxes = [scaled(detection.box, across, down) for detection in found]
        tubes += follower.follow(boxes, new_shot=shots.begins(frame))
    tubes += follower.finish()
    tubes.sort(key=lambda tube: (tube.start, tube.box.left))
    origin = Origin(video_id, None, footage.fps, (footage.width, footage.height), partition)
    return [judge(tube, rule.tube.crop, origin, f"{video_id}#{number:03d}") for number, tube in enumerate(tubes)]


class Follower:
    """Follows subjects from frame to frame and says when one's tube has ended.

    Detections go to the open tubes whose last boxes they overlap most with, all of them together being maximal. A
    tube ends at a cut; where its subject is missed for longer than the gap (it then ends behind the frame the
    subject was last seen in, shorter gaps stay in it); where the subject's box overlaps too little with the tube's
    first one; at its maximal length; and where another subject's box reaches into the square that would be cut out.
    No tube begins while another subject is within its square.

    Args:
        rule: thresholds.
        fps: rate of the frames, which the gap is measured by.
    """

    def __init__(self, rule: SearchRule, fps: float) -> None:
        self._rule = rule
        self._gap = round(rule.gap * fps)
        self._index = -1
        self._open: list[_Open] = []

    def follow(self, boxes: Sequence[Box], new_shot: bool) -> list[Tube]:
        """Take the boxes seen in the next frame; the tubes that ended before it.

        Args:
            boxes: of all subjects, in one measure throughout.
            new_shot: whether this frame begins a shot.
        """
        self._index += 1
        ended = self.finish() if new_shot else []
        partner = self._partners(boxes)
        going: list[_Open] = []
        taken: set[int] = set()
        for place, tube in enumerate(self._open):
            number = partner.get(place)
            if self._goes_on(tube, boxes, number):
                going.append(tube)
                if number is not None:
                    taken.add(number)
                    tube.last, tube.around, tube.seen = boxes[number], join(tube.around, boxes[number]), self._index
            else:
                ended.append(tube.closed())
        for number, box in enumerate(boxes):
            if number not in taken and not self._crowded(box, boxes, number):
                going.append(_Open(self._index, box, box, box, self._index))
        self._open = going
        return ended

    def finish(self) -> list[Tube]:
        """The tubes that are still open, which end here."""
        tubes = [tube.closed() for tube in self._open]
        self._open = []
        return tubes

    def _goes_on(self, tube: _Open, boxes: Sequence[Box], number: int | None) -> bool:
        if number is None:
            around = tube.around
            if self._index - tube.seen > self._gap:
                return False
        else:
            around = join(tube.around, boxes[number])
            if overlap(tube.first, boxes[number]) < self._rule.tube.iou_with_first:
                return False
        return self._index - tube.start < self._rule.tube.max_frames and not self._crowded(around, boxes, number)

    def _crowded(self, around: Box, boxes: Sequence[Box], own: int | None) -> bool:
        """Whether a box other than `own` reaches into the square that is cut out around a tube."""
        if min(around.width, around.height) <= 0:
            return True
        square = increase_to_square(around, self._rule.tube.crop.increase)
        return any(_meet(square, box) for number, box in enumerate(boxes) if number != own)

    def _partners(self, boxes: Sequence[Box]) -> dict[int, int]:
        """For open tubes that are seen again: place of the tube to number of its box."""
        if not self._open or not boxes:
            return {}
        from scipy.optimize import linear_sum_assignment

        shared = np.array([[overlap(tube.last, box) for box in boxes] for tube in self._open])
        shared[shared < self._rule.iou_with_last] = 0
        return {
            int(place): int(number)
            for place, number in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
            if shared[place, number] > 0
        }


def _meet(first: Box, second: Box) -> bool:
    """Whether two boxes have some area in common."""
    across = min(first.right, second.right) - max(first.left, second.left)
    down = min(first.bottom, second.bottom) - max(first.top, second.top)
    return across > 0 and down > 0


def plan_subjects(layout: Layout, detector: DetectorChoice, crop: CropRule) -> SearchPlan:
    """A search of every unit for tubes that become crops by this rule."""
    rule = replace(SEARCH, tube=replace(SEARCH.tube, crop=crop))
    settings: dict[str, object] = {"detector": detector.name, "rule": as_settings(rule)}
    if isinstance(crop, FittedCropRule):
        settings["crops"] = "fitted into the frame"
    search = partial(build_search, detector, rule)
    found_by = what_detects(detector.name)
    return SearchPlan(layout.units, search, settings, layout.decided, found_by, drawn=layout.drawn)


def build_search(detector: DetectorChoice, rule: SearchRule) -> Search:
    """The search of one video, with the detector loaded."""
    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: Unit) -> list[Finding]:
        findings = search_subjects(footage, unit.video_id, built, unit.partition, rule)
        return [_of_person(finding, unit.person_id) for finding in findings]

    return search


def _of_person(finding: Finding, person_id: str | None) -> Finding:
    if person_id is None:
        return finding
    text = {**finding.row.text, "person_id": person_id}
    row = finding.row.model_copy(update={"person_id": person_id, "text": text})
    return replace(finding, clip=f"{person_id}#{finding.clip}", row=row)
