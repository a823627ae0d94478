"""Why a video could not be fetched, told by what yt-dlp or the site says."""

import re
from dataclasses import dataclass

LONGEST = 300


@dataclass(frozen=True)
class Cause:
    """A kind of failure.

    Attributes:
        advice: what probably holds when every video fails in this way, and the way out.
        passing: whether trying again in a moment may help.
    """

    advice: str
    passing: bool = False


GONE = Cause("the site says that these videos are gone; look at one in a browser, and check --address")
SIGN_IN = Cause(
    "the site takes this machine for a bot or wants a signed-in user; give the cookies of a signed-in browser with "
    "--cookies, exported anew if you did"
)
RATE_LIMIT = Cause(
    "the site limits how much this machine may fetch; wait an hour, then use fewer --download-workers", passing=True
)
NETWORK = Cause("the site cannot be reached; check the network, the proxy and --address", passing=True)
SERVER = Cause("the site answers with errors or breaks off; try again later", passing=True)
REFUSED = Cause(
    "the site refuses the videos of pages that it shows; use fewer --download-workers, wait an hour, or "
    "pip install --upgrade 'yt-dlp[default,deno]'",
    passing=True,
)
RUNTIME = Cause(
    "yt-dlp finds no JavaScript runtime that it can use; pip install --upgrade 'lia-bench[download]' brings one"
)
OUTDATED = Cause("the site has probably changed; pip install --upgrade 'yt-dlp[default,deno]'")
STORAGE = Cause("the folder cannot be written; make room there or name another with --footage")
UNKNOWN = Cause("the reason is not known; pip install --upgrade 'yt-dlp[default,deno]' and try one in a browser")

# The order counts: what is said about all videos goes before what may be said about one.
SIGNS = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"no space left|disk quota|read-only file system|permission denied|file too large", STORAGE),
        (r"HTTP Error 429|too many requests|rate.?limit|try again later", RATE_LIMIT),
        (r"not a bot|captcha|cookies are no longer valid", SIGN_IN),
        (r"HTTP Error (404|410)|private video|video is private|video unavailable|does not exist", GONE),
        (r"video (is|has been) (not|no longer) available|has been (terminated|closed|removed)", GONE),
        (r"blocked it|not (made this video )?available (in|from) your (country|location)|DRM protected", GONE),
        (r"members.only|music premium|requires payment|available to this channel's members", GONE),
        (r"confirm your age|sign in|log.?in (is )?required|HTTP Error 401|login details", SIGN_IN),
        (r"javascript runtime|JS runtime|challenge solving failed", RUNTIME),
        (r"HTTP Error (408|5\d\d)|too short|bytes read|more expected|any data blocks|fragment not found", SERVER),
        (
            r"timed out|timeout|resolve|name resolution|name or service|getaddrinfo|nodename|unreachable|no route"
            r"|connection (refused|reset|aborted|broken)|remote end closed|unable to connect|proxy|EOF occurred",
            NETWORK,
        ),
        (r"please report this issue|unable to extract|failed to extract|HTTP Error 403|requested format", OUTDATED),
        (r"unsupported url|no video formats", OUTDATED),
    )
)


def cause_of(message: str) -> Cause:
    """The kind of failure that a message speaks of."""
    message = message.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((cause for sign, cause in SIGNS if sign.search(message)), UNKNOWN)


def one_line(message: str) -> str:
    """A message without line breaks, yt-dlp's prefix and its hints for its own command line."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", message).split()).removeprefix("ERROR: ")
    text = re.split(r";? please report this issue|\.? Use --cookies|\.? It is recommended to| \(caused by ", text)[0]
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


class FetchError(Exception):
    """A video could not be fetched; `cause` says of what kind the failure is, the text is one line."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(one_line(message))
        self.cause = cause
