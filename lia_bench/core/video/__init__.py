"""Video in and out: one reader interface over files, frame folders, animated pictures and strips, and the writers."""

from lia_bench.core.video.image import read_image, read_picture, resize, to_frame, to_tensor
from lia_bench.core.video.reader import FrameReader, VideoProperties
from lia_bench.core.video.readers import Footage, open_footage, open_indexed, open_video, sha256_of_video
from lia_bench.core.video.writer import (
    INDEX_FIRST,
    VideoWriter,
    encoder_options,
    write_gif,
    write_png_folder,
    write_video,
)

__all__ = [
    "INDEX_FIRST",
    "Footage",
    "FrameReader",
    "VideoProperties",
    "VideoWriter",
    "encoder_options",
    "open_footage",
    "open_indexed",
    "open_video",
    "read_image",
    "read_picture",
    "resize",
    "sha256_of_video",
    "to_frame",
    "to_tensor",
    "write_gif",
    "write_png_folder",
    "write_video",
]
