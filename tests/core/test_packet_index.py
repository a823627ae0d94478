"""Files read by their packets alone give the same frames as files that were decoded from end to end."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.decoders import PyAVReader
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.reader import FrameReader
from lia_bench.core.video.scan import scan
from tests.core.videos import damage, encode

SAME = ("frames", "width", "height", "fps", "quarter_turns", "pixel_aspect", "times", "grid_rate", "keyframes")


def _same_as_scanned(path: Path) -> None:
    index, whole = index_packets(path), scan(path)
    assert index is not None
    assert [getattr(index, name) for name in SAME] == [getattr(whole, name) for name in SAME]
    with PyAVReader(path, index) as quick, PyAVReader(path, whole) as careful:
        for frame in (len(careful) // 2, len(careful) - 1, 3, 0):
            assert np.array_equal(quick.frame(frame), careful.frame(frame))


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "12", "bf": "0"}),
        ("libx264", {"g": "250", "bf": "3"}),
        ("libx264", {"g": "12", "bf": "2", "x264-params": "open-gop=1"}),
        ("libx265", {"x265-params": "keyint=12:log-level=none"}),
        ("mpeg4", {}),
    ],
)
def test_an_index_says_what_a_scan_says(codec: str, options: dict[str, str], tmp_path: Path) -> None:
    _same_as_scanned(encode(tmp_path / "a.mp4", codec=codec, options=options))


def test_real_footage(real_data: Path) -> None:
    for name in ("raw-vox-001", "raw-vox-005", "raw-rot-001", "raw-odd-001"):
        _same_as_scanned(real_data / "raw" / "videos" / f"{name}.mp4")


def test_what_has_to_be_decoded(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", index_first=True)
    (tmp_path / "short.mp4").write_bytes(whole.read_bytes()[:-900])
    (tmp_path / "text.mp4").write_text("no video")
    encode(tmp_path / "a.mkv")
    encode(tmp_path / "variable.mp4", times=[40 * index + (30 if index > 9 else 0) for index in range(48)])
    refreshed = {"g": "12", "bf": "0", "intra-refresh": "1"}
    encode(tmp_path / "refreshed.mp4", options=refreshed)
    for name in ("short.mp4", "text.mp4", "gone.mp4", "a.mkv", "variable.mp4", "refreshed.mp4"):
        assert index_packets(tmp_path / name) is None, name


def _compare(reader: FrameReader, right: FrameReader) -> None:
    for frame in range(12, 40):
        assert np.array_equal(reader.frame(frame), right.frame(frame))


def test_damage_shows_where_it_lies(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", options={"g": "12", "bf": "0"}, index_first=True)
    broken = damage(whole, tmp_path / "broken.mp4", 0.55)
    index = index_packets(broken)
    assert index is not None
    with PyAVReader(broken, index) as reader, PyAVReader(whole, scan(whole)) as right:
        assert np.array_equal(reader.frame(5), right.frame(5))
        with pytest.raises(UnreadableVideoError, match="can no longer be decoded"):
            _compare(reader, right)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 72, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 9)
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 72, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    index = index_packets(path)
    assert index is not None
    assert index.pixel_aspect == pytest.approx(16 / 9)
    assert scan(path).pixel_aspect == pytest.approx(16 / 9)
