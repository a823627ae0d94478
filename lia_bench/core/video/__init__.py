"""Video in and out: one reader interface over files, frame folders, gifs and strips, and the writers."""

from lia_bench.core.video.fingerprint import sha256_of_video
from lia_bench.core.video.image import read_image, resize
from lia_bench.core.video.opening import Footage, open_footage, open_indexed, open_video
from lia_bench.core.video.reader import FrameReader, VideoProperties
from lia_bench.core.video.tensors import to_frame, to_tensor
from lia_bench.core.video.writing import encoder_options, write_png_folder, write_video

__all__ = [
    "Footage",
    "FrameReader",
    "VideoProperties",
    "encoder_options",
    "open_footage",
    "open_indexed",
    "open_video",
    "read_image",
    "resize",
    "sha256_of_video",
    "to_frame",
    "to_tensor",
    "write_png_folder",
    "write_video",
]
