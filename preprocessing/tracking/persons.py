"""Tubes of whole persons before a still camera: the published procedure of Tai-Chi-HD (crop_taichi.py)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box, contains, increase_to_square, overlap
from lia_bench.preprocessing.detection.detector import Detection, Detector, UprightFootage, watch
from lia_bench.preprocessing.published_rule import clip_name
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.tubes import CropRule, Origin, Tube, judge

MOTION_SIDE = 256
"""Pixels that frames are scaled to before their motion is measured."""


class CameraWatch:
    """Camera moves and changes of light in frames that come one at a time.

    Args:
        motion: pixels, in a frame of 256x256, that the median of the optical flow (Farneback) may have.
        light: grey levels that the median of a colour channel may change by.
    """

    def __init__(self, motion: float, light: float) -> None:
        self._motion = motion
        self._light = light
        self._grey: NDArray[np.uint8] | None = None
        self._medians: NDArray[np.float64] | None = None

    def changed(self, frame: Frame) -> bool:
        """Whether camera or light changed since the frame given before; never true of the first one.

        Args:
            frame: uint8 RGB (H, W, 3).
        """
        import cv2

        small = cv2.resize(frame, (MOTION_SIDE, MOTION_SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        medians = np.array([np.median(frame[..., channel]) for channel in range(3)])
        grey_before, self._grey = self._grey, grey
        medians_before, self._medians = self._medians, medians
        if grey_before is None or medians_before is None:
            return False
        if float(np.abs(medians - medians_before).max()) > self._light:
            return True
        start = np.zeros((MOTION_SIDE, MOTION_SIDE, 2), np.float32)
        flow = cv2.calcOpticalFlowFarneback(grey_before, grey, start, 0.5, 3, 15, 3, 5, 1.2, 0)
        return float(np.median(np.linalg.norm(flow, axis=-1))) > self._motion


BATCH = 4
"""Frames shown to the detector at a time; they are shown at full size."""


TAICHI_CROP = CropRule(min_frames=128, min_size=256, increase=0.0)


@dataclass(frozen=True)
class PersonRule:
    """What makes a tube of a person; the defaults are the published ones.

    Attributes:
        increase_first: fraction that the first box of a tube is increased by, to a square.
        max_frames: a tube of so many looked-at frames is ended.
        min_score: certainty of a detection that counts as a person.
        min_height: height of a person, as a fraction of the frame's *width*, as the published code measures it.
        min_frame_side: pixels that a video's shorter side needs.
        max_motion: see `CameraWatch`.
        max_light: see `CameraWatch`.
        every: 2 looks at every second frame; lengths then count looked-at frames, start and end count all.
        max_clips: what a video gives beyond is left out.
        crop: what a tube must have.
    """

    increase_first: float = 0.05
    max_frames: int = 1024
    min_score: float = 0.9
    min_height: float = 0.1
    min_frame_side: int = 300
    max_motion: float = 1.0
    max_light: float = 1.5
    every: int = 1
    max_clips: int = 1000
    crop: CropRule = TAICHI_CROP


TAICHI = PersonRule()


@dataclass
class _Open:
    """A tube that may go on. Its box never changes."""

    start: int
    box: Box
    frames: int = field(default=1)

    def closed(self, end: int) -> Tube:
        return Tube(self.start, end, self.frames, self.box)


def person_tubes(footage: UprightFootage, detector: Detector, rule: PersonRule) -> Iterator[Tube]:
    """All tubes of a video, in the order they end.

    A person is a detection that is sure and tall enough; valid is one with head and feet in sight. A tube begins
    with a valid person that lies in no tube. It ends where the camera or the light changes, where no valid person
    overlaps it, where more than one person does, where the last of the valid ones in it is not wholly inside, and
    at its maximal length. Memory does not grow with the video.

    Raises:
        UnreadableVideoError: a frame cannot be decoded.
    """
    camera = CameraWatch(rule.max_motion, rule.max_light)
    tubes: list[_Open] = []
    looked_at = range(0, footage.frames, rule.every)
    frames = (footage.square_frame(index) for index in looked_at)
    for index, (frame, detections) in zip(looked_at, watch(frames, detector, BATCH), strict=True):
        persons = [seen for seen in detections if _is_person(seen, footage.width, rule)]
        valid = [person.box for person in persons if person.head_visible and person.feet_visible]
        changed = camera.changed(frame)
        going: list[_Open] = []
        for tube in tubes:
            if not changed and _goes_on(tube, valid, [person.box for person in persons], rule):
                going.append(tube)
            else:
                yield tube.closed(index)
        for box in valid:
            home = next((tube for tube in going if overlap(tube.box, box) > 0), None)
            if home is not None:
                home.frames += 1
            else:
                going.append(_Open(index, _first_box(box, rule.increase_first)))
        tubes = going
    yield from (tube.closed(footage.frames) for tube in tubes)


def search_persons(
    footage: UprightFootage, video_id: str, detector: Detector, partition: str, rule: PersonRule = TAICHI
) -> list[Finding]:
    """The clips of the persons of a video, and the tubes that a rule leaves out, ordered by start, then from the left.

    Tubes that ended at the next frame looked at are no finding: where persons overlap, every frame begins one. Where
    there is no other, the first of them stands for all, left out. A video whose frames are too small is not looked at,
    and left out as a whole. An empty list says that no valid person was seen. Clips have the published names; a second
    one with the same start and end has '#2' behind it.

    Raises:
        UnreadableVideoError: a frame cannot be decoded.
    """
    origin = Origin(video_id, None, footage.fps, (footage.width, footage.height), partition)
    if min(origin.size) < rule.min_frame_side:
        whole = Tube(0, footage.frames, footage.frames, Box(0, 0, *origin.size))
        needed = f"{min(origin.size)} pixels of the {rule.min_frame_side} that a search needs"
        return [_left_out(whole, rule, origin, f"frame_too_small: the shorter side has {needed}")]
    tubes = sorted(person_tubes(footage, detector, rule), key=lambda tube: (tube.start, tube.box.left))
    lasting = [tube for tube in tubes if tube.end - tube.start > rule.every]
    if tubes and not lasting:
        reason = "too_short: persons are seen, but none stays alone in a square beyond a frame"
        return [_left_out(tubes[0], rule, origin, reason)]
    names: Counter[str] = Counter()
    findings: list[Finding] = []
    accepted = 0
    for tube in lasting:
        name = clip_name(video_id, None, tube.start, tube.end)
        names[name] += 1
        finding = judge(tube, rule.crop, origin, name if names[name] == 1 else f"{name}#{names[name]}")
        accepted += finding.rejection is None
        if finding.rejection is None and accepted > rule.max_clips:
            finding = replace(finding, rejection=f"too_many: the video has {rule.max_clips} clips already")
        findings.append(finding)
    return findings


def _left_out(tube: Tube, rule: PersonRule, origin: Origin, reason: str) -> Finding:
    clip = clip_name(origin.video_id, None, tube.start, tube.end)
    return replace(judge(tube, rule.crop, origin, clip), rejection=reason)


def _is_person(seen: Detection, frame_width: int, rule: PersonRule) -> bool:
    return seen.score > rule.min_score and seen.box.height > rule.min_height * frame_width


def _first_box(box: Box, fraction: float) -> Box:
    # The published code grows boxes in the float32 of its network, and truncation turns that rounding into a pixel.
    return increase_to_square(Box(*np.asarray(box, np.float32)), fraction)


def _goes_on(tube: _Open, valid: Sequence[Box], persons: Sequence[Box], rule: PersonRule) -> bool:
    inside = [box for box in valid if overlap(tube.box, box) > 0]
    return (
        bool(inside)
        and sum(overlap(tube.box, box) > 0 for box in persons) <= 1
        and contains(tube.box, inside[-1])
        and tube.frames < rule.max_frames
    )
