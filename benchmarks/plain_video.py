"""Video as the plain forms of metrics and preprocessing read and write it: by imageio, whatever its size in memory."""

from typing import Any

import click

from lia_bench.core.extras import not_installed


def imageio_with_ffmpeg() -> Any:
    """The module imageio.v2, which hands videos on to the FFmpeg of imageio-ffmpeg.

    Raises:
        click.ClickException: one of the two is not installed.
    """
    try:
        # imageio itself would go on without it, and fail when it opens a video.
        import imageio_ffmpeg  # noqa: F401
        from imageio import v2
    except ImportError:
        raise click.ClickException(
            not_installed("the plain form reads and writes videos by imageio-ffmpeg", "benchmarks")
        ) from None
    return v2
