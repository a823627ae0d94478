"""Videos that browsers play as they are, copied without encoding them again."""

from pathlib import Path

from lia_bench.core.atomic import replacing
from lia_bench.core.video.container import best_stream, open_container
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.writer import INDEX_FIRST, errors_of_disk


def plays_in_browsers(path: Path, fps: float) -> bool:
    """Whether a file shows its frames in every browser, evenly and upright, `fps` a second: H.264 yuv420p in mp4."""
    index = index_packets(path) if path.is_file() else None
    return (
        index is not None
        and (index.codec, index.pixel_format) == ("h264", "yuv420p")
        and (index.quarter_turns, index.pixel_aspect) == (0, 1)
        and abs(index.fps - fps) < 0.01
    )


def copy_video(path: Path, target: Path) -> None:
    """Copy the pictures of an mp4, as they are encoded and without sound, with the index at the front; atomically.

    Raises:
        OSError: `target` cannot be written.
    """
    import av

    with (
        replacing(target) as temporary,
        errors_of_disk(target),
        open_container(path) as source,
        av.open(str(temporary), "w", container_options=dict(INDEX_FIRST)) as copy,
    ):
        stream = best_stream(source, path)
        same = copy.add_stream_from_template(stream)
        for packet in source.demux(stream):
            # The last one is empty.
            if packet.dts is not None:
                packet.stream = same
                copy.mux(packet)
