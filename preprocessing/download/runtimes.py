"""JavaScript runtimes on this machine: YouTube's player is a program that yt-dlp has to run."""

import re
from collections.abc import Mapping
from typing import Any

from lia_bench.core.errors import InputError

HOSTS = re.compile(r"https?://([\w-]+\.)*(youtube\.com|youtube-nocookie\.com|youtu\.be)/", re.IGNORECASE)


def usable_runtimes() -> dict[str, dict[str, Any]]:
    """The runtimes that yt-dlp may use here, as its option `js_runtimes` names them."""
    return {name: {} for name, found in _runtimes().items() if found is not None and found.supported}


def check_runtime(address: str) -> None:
    """Refuse a download from YouTube where nothing can run its player.

    Raises:
        InputError: there is no runtime, or only ones that are too old.
    """
    if not HOSTS.match(address) or usable_runtimes():
        return
    old = "".join(f" ({found.name} {found.version} is too old)" for found in _runtimes().values() if found is not None)
    raise InputError(
        f"downloads from YouTube need a JavaScript runtime and there is none{old}: "
        "pip install 'lia-bench[download]' brings deno; a recent node, bun or quickjs on the PATH will do as well"
    )


def _runtimes() -> Mapping[str, Any]:
    from yt_dlp.globals import supported_js_runtimes

    return {name: runtime().info for name, runtime in supported_js_runtimes.value.items()}
