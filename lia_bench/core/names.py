"""Names of files, clips and models as people have them: in two forms of Unicode, with control characters, no text."""

import unicodedata


def counted(count: int, noun: str) -> str:
    """A number of things: '1 clip', '2,000 clips'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    r"""A text as it can be printed and written down in one line: what is no printable character, or no UTF-8, escaped.

    >>> printable("a\x1b[31mb\n")
    'a\\x1b[31mb\\n'
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def same_name(name: str) -> str:
    """What two names have in common that a reader cannot tell apart: é as one sign (NFC) or as e with an accent (NFD).

    File systems and archives of one system give one form, those of another the other.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def as_text(name: str) -> str:
    """The name where it is UTF-8, else with what is none escaped."""
    return name if is_text(name) else printable(name)


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8, so that tables and reports can hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
