"""One box for a whole video, from its first frame: the published procedure of UvA-Nemo (crop_nemo.py)."""

from lia_bench.preprocessing.detection.detector import Detector
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.tubes import CropRule, Origin, Tube, judge
from lia_bench.preprocessing.tracking.watching import UprightFootage, scaled, scaled_frames

DETECTION_SIZE = (640, 360)
"""Width and height that the first frame is shown to the detector at, whatever its aspect."""

CROP = CropRule(min_frames=0, min_size=0, increase=0.1)


def search_first_frame(
    footage: UprightFootage, video_id: str, person_id: str | None, detector: Detector, partition: str
) -> Finding | None:
    """The whole video, cut by the most certain face of its first frame; None where the detector sees no face there.

    The box is brought back to the footage by its true ratio to the detector's frame, which is the published factor 3
    for 1920x1080. It grows by 0.1 to a square and is rejected where that leaves the frame. The clip is called as
    the video.

    Raises:
        UnreadableVideoError: the first frame cannot be decoded.
    """
    (frame,) = scaled_frames(footage, [0], DETECTION_SIZE)
    (faces,) = detector.detect([frame])
    if not faces:
        return None
    box = scaled(faces[0].box, footage.width / DETECTION_SIZE[0], footage.height / DETECTION_SIZE[1])
    origin = Origin(video_id, person_id, footage.fps, (footage.width, footage.height), partition)
    return judge(Tube(0, footage.frames, footage.frames, box), CROP, origin, video_id)
