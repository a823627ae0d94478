"""Tubes of an annotated face: the published procedure of VoxCeleb (video-preprocessing, crop_vox.py)."""

from collections.abc import Iterable, Iterator, Sequence

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.annotations import ANNOTATION_FPS, ANNOTATION_HEIGHT, Utterance
from lia_bench.preprocessing.boxes import Box, join, overlap
from lia_bench.preprocessing.detection.detector import Detection, Detector
from lia_bench.preprocessing.published_rule import frames_of_row
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.tubes import NO_FACE, VOXCELEB_TUBES, Origin, Tube, TubeRule, judge
from lia_bench.preprocessing.tracking.watching import UprightFootage, scaled, scaled_frames, size_at_height, watch

BATCH = 16
"""Frames shown to the detector at a time."""


def annotated_tubes(boxes: Iterable[Box], frames: int, rule: TubeRule) -> Iterator[Tube]:
    """Tubes over the boxes of successive frames, where NO_FACE stands for a missed face.

    A tube ends where a box overlaps too little with the tube's first one, or where it has the maximal length; missed
    faces next to each other make a tube of their own. Of `boxes` and `frames` the shorter counts. With more frames
    than boxes the end of the last tube is one too large, as in the published code; its number of frames is right.
    """
    first = box_around = NO_FACE
    start = end = 0
    for index, box in zip(range(frames), boxes, strict=False):
        if index > start and (overlap(first, box) < rule.iou_with_first or index - start >= rule.max_frames):
            yield Tube(start, index, index - start, box_around)
            start = index
        if index == start:
            first = box_around = box
        box_around = join(box_around, box)
        end = index + 1
    if end:
        yield Tube(start, end + 1 if frames > end else end, end - start, box_around)


def face_of(annotated: Box, detections: Sequence[Detection]) -> Box:
    """The detection that overlaps most with an annotated box, however little that is; NO_FACE without any."""
    return max((detection.box for detection in detections), key=lambda box: overlap(annotated, box), default=NO_FACE)


def search_utterance(
    footage: UprightFootage,
    utterance: Utterance,
    detector: Detector,
    partition: str,
    rule: TubeRule = VOXCELEB_TUBES,
) -> list[Finding]:
    """The clips of one utterance, and the tubes that a rule leaves out, in their order.

    Frames are taken at 25 a second, each as a row of that rate would select it, and shown to the detector 360 pixels
    high. Rows count at 25 frames a second from the start of the video. A clip is called
    <person>#<video>#<utterance>#<number>, where the number counts every tube. Stretches in which the detector misses
    the face take a number as well but are no finding: an empty list says that it never found one.

    Args:
        footage: the video.
        utterance: whose face, and when.
        detector: finds faces.
        partition: "train" or "test".
        rule: when tubes end and which become clips.

    Raises:
        InputError: the footage ends before the utterance begins.
        UnreadableVideoError: a frame cannot be decoded.
    """
    ticks = range(utterance.first_frame, utterance.last_frame)
    shown = [frames_of_row(tick, tick + 1, ANNOTATION_FPS, footage.fps).start for tick in ticks]
    shown = [index for index in shown if index < footage.frames]
    if not shown:
        raise InputError(
            f"{utterance.person_id}/{utterance.video_id}/{utterance.name}: it begins at {utterance.times[0]} s, behind "
            f"the {footage.frames} frames of {footage.path.name}; get the whole video"
        )
    frames = scaled_frames(footage, shown, size_at_height(footage, ANNOTATION_HEIGHT))
    seen = watch(frames, detector, BATCH)
    faces = (face_of(annotated, found) for annotated, (_, found) in zip(utterance.boxes, seen, strict=False))
    factor = footage.height / ANNOTATION_HEIGHT
    boxes = (_clipped(scaled(face, factor, factor)) for face in faces)
    size = (footage.width, footage.height)
    origin = Origin(utterance.video_id, utterance.person_id, ANNOTATION_FPS, size, partition)
    name = f"{utterance.person_id}#{utterance.video_id}#{utterance.name}"
    return [
        judge(_shifted(tube, utterance.offset), rule.crop, origin, f"{name}#{number:03d}")
        for number, tube in enumerate(annotated_tubes(boxes, len(shown), rule))
        if tube.box != NO_FACE
    ]


def _clipped(box: Box) -> Box:
    return Box(*(max(side, 0.0) for side in box))


def _shifted(tube: Tube, frames: int) -> Tube:
    return Tube(tube.start + frames, tube.end + frames, tube.frames, tube.box)
