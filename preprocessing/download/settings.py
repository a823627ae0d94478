"""How footage is fetched."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

YOUTUBE = "https://www.youtube.com/watch?v={video_id}"


@dataclass(frozen=True)
class DownloadOptions:
    """How footage is fetched.

    Attributes:
        address: where a video is, with the place of its identifier as {video_id}.
        workers: videos fetched at the same time.
        rate_limit: bytes a second of all workers together; None for no limit.
        retries: further attempts after a failure that may pass.
        back_off: seconds before the first of them; each further one waits twice as long.
        pause: seconds between two requests of a worker.
        timeout: seconds without an answer after which a connection counts as broken.
        cookies: a browser's cookies in Netscape format; the file is read and never written.
        give_up_after: the download stops when so many videos in a row fail.
        height: lines of the largest picture fetched (of its shorter side).
        retry_unavailable: try the videos again that earlier runs found gone.
    """

    address: str = YOUTUBE
    workers: int = 4
    rate_limit: int | None = None
    retries: int = 3
    back_off: float = 5.0
    pause: float = 1.0
    timeout: float = 20.0
    cookies: Path | None = None
    give_up_after: int = 10
    height: int = 1080
    retry_unavailable: bool = False

    def address_of(self, video_id: str) -> str:
        """Where one video is."""
        return self.address.replace("{video_id}", quote(video_id, safe=""))
