"""Optional libraries, and the system's: what to type where one is missing."""

import re
from importlib.metadata import distribution
from pathlib import Path


def not_installed(need: str, extra: str) -> str:
    """One line for `need`, such as "a study server needs flask", that ends in the command which installs it."""
    return f"{need}, which is not installed: {install_command(extra)}"


def install_command(extra: str) -> str:
    """The command that installs an extra: by the package's name only where a release of it was installed."""
    return f"pip install '{'.' if _from_checkout() else 'lia-bench'}[{extra}]'"


def system_packages(reason: str) -> str:
    """How to get the system's library that an import did not find, from what it said; empty where it missed none.

    OpenCV and MediaPipe load a desktop's libraries, which servers and slim images lack.
    """
    missing = re.search(r"lib(GL|EGL|GLESv2|X11|xcb|Xext|glib|gthread)\b[\w.-]*: cannot open shared object", reason)
    if not missing:
        return ""
    return "on Debian and Ubuntu: apt-get install libgl1 libegl1 libgles2 libglib2.0-0"


def _from_checkout() -> bool:
    if (Path(__file__).parents[2] / "pyproject.toml").is_file():
        return True
    # pip notes here where a package came from that was not fetched by its name (PEP 610).
    return distribution("lia-bench").read_text("direct_url.json") is not None
