"""The options of downloads on a recipe's command line."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from lia_bench.preprocessing.download.fetcher import YOUTUBE, DownloadOptions, yt_dlp_settings
from lia_bench.preprocessing.download.options import download_options


def _given(*arguments: str) -> DownloadOptions | None:
    seen: list[DownloadOptions | None] = []

    @click.command()
    @download_options(height=720)
    def command(download: DownloadOptions | None) -> None:
        seen.append(download)

    result = CliRunner().invoke(command, list(arguments))
    if result.exit_code:
        raise ValueError(result.output)
    return seen[0]


def test_nothing_is_fetched_unless_asked_for() -> None:
    assert _given() is None
    with pytest.raises(ValueError, match="--cookies counts only with --download"):
        _given("--cookies", "cookies.txt")


def test_every_option() -> None:
    assert _given("--download") == DownloadOptions(address=YOUTUBE, height=720)
    arguments = "--download --cookies c.txt --rate-limit 2.5M --download-workers 2 --download-height 480"
    assert _given(*arguments.split(), "--address", "http://x/{video_id}", "--retry-unavailable") == DownloadOptions(
        address="http://x/{video_id}",
        workers=2,
        rate_limit=2621440,
        cookies=Path("c.txt"),
        height=480,
        retry_unavailable=True,
    )


@pytest.mark.parametrize(("text", "rate"), [("500", 500), ("500K", 512000), ("1g", 2**30)])
def test_rates(text: str, rate: int) -> None:
    options = _given("--download", "--rate-limit", text)
    assert options is not None
    assert options.rate_limit == rate


@pytest.mark.parametrize("text", ["fast", "-1", "0", "2MB/s", "0.1"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate; give bytes a second such as 500K"):
        _given("--download", "--rate-limit", text)


def _format(name: str, height: int, codec: str, sound: str = "none", **others: Any) -> dict[str, Any]:
    suffix = "mp4" if codec.startswith("avc1") else "webm"
    codecs = {"vcodec": codec, "acodec": sound}
    return {"format_id": name, "url": f"https://x/{name}", "height": height, "ext": suffix, **codecs, **others}


FORMATS = (
    _format("sound", 0, "none", "mp4a.40.2"),
    _format("360-both", 360, "avc1.42001E", "mp4a.40.2", fps=30),
    _format("720", 720, "avc1.64001F", fps=30),
    _format("1080-30", 1080, "avc1.640028", fps=30),
    _format("1080-60", 1080, "avc1.64002a", fps=60),
    _format("1080-pieces", 1080, "avc1.640028", protocol="m3u8_native", fps=60),
    _format("1080-vp9", 1080, "vp9", fps=60),
    _format("2160-vp9", 2160, "vp9", fps=60),
)


@pytest.mark.parametrize(
    ("height", "there", "chosen"),
    [
        (1080, FORMATS, "1080-60"),
        (720, FORMATS, "720"),
        (1080, FORMATS[:2], "360-both"),
        (1080, FORMATS[-2:], "1080-vp9"),
        (480, FORMATS[-1:], "2160-vp9"),
    ],
)
def test_which_format_is_fetched(height: int, there: tuple[dict[str, Any], ...], chosen: str) -> None:
    yt_dlp = pytest.importorskip("yt_dlp")
    with yt_dlp.YoutubeDL(yt_dlp_settings(DownloadOptions(height=height))) as downloader:
        video = {"id": "abc", "title": "", "extractor": "x", "formats": [dict(one) for one in there]}
        assert downloader.process_ie_result(video, download=False)["format_id"] == chosen
