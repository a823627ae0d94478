"""SHA-256 of a stored video, whatever it is stored in."""

import hashlib
from pathlib import Path

from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.video.picture_readers import frame_files


def sha256_of_video(path: Path) -> str:
    """Hexadecimal SHA-256 of a video file; of a frame folder, over the names and hashes of its pictures."""
    if not path.is_dir():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for file in frame_files(path):
        digest.update(f"{file.name} {sha256_of_file(file)}\n".encode())
    return digest.hexdigest()
