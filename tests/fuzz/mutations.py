"""Ways in which a file comes to harm: each takes its bytes and a random generator, and gives others."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

CELLS = (
    *("", "0", "-1", "1e999", "nan", "inf", "1_0", "9" * 30, "9" * 5000, "0x10", "1,5", "²", "true", "None"),
    *("=1+1", "-", "../..", "/etc/passwd", "C:\\x", "\x1b[31m", "\ud800", "\u202e", "a" * 3000, '"', "[", "{}"),
)  # fmt: skip
"""What stands in the place of a word or of a table's cell."""
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**63, 2**70, -1e308, 1e308, "", "x", "../../x", "/etc/passwd", "\x00", "\ud800"),
    *([], {}, [[]], [1, "a", None], {"a": 1}, "9" * 40, "2026-99-99", "a" * 3000),
)
"""What stands in the place of a value of JSON."""


def truncated(content: bytes, random: Random) -> bytes:
    """The beginning of it."""
    return content[: random.randrange(max(len(content), 1))]


def emptied(content: bytes, random: Random) -> bytes:
    """Nothing, or zeros, as power cuts leave it."""
    return random.choice([b"", bytes(len(content))])


def flipped(content: bytes, random: Random) -> bytes:
    """Some bits are others."""
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 3, 20])):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def zeroed(content: bytes, random: Random) -> bytes:
    """Up to a fifth of it is zeros."""
    start, length = _stretch(content, random)
    return content[:start] + bytes(length) + content[start + length :]


def scrambled(content: bytes, random: Random) -> bytes:
    """Up to a fifth of it is noise."""
    start, length = _stretch(content, random)
    return content[:start] + random.randbytes(length) + content[start + length :]


def shortened(content: bytes, random: Random) -> bytes:
    """Up to a fifth of it is missing, from its middle."""
    start, length = _stretch(content, random)
    return content[:start] + content[start + length :]


def prolonged(content: bytes, random: Random) -> bytes:
    """It is there twice, or something follows it."""
    return content + random.choice([content, random.randbytes(200), b"\0" * 200, b"\n\n{}"])


def nothing_of_the_kind(content: bytes, random: Random) -> bytes:
    """Noise, a page of a website, or the beginning of another format."""
    beginnings = (
        b"<html></html>\n",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"\x80\x04.",
        b"RIFF",
    )
    return random.choice(beginnings) + random.choice([b"", random.randbytes(300)])


def characters(content: bytes, random: Random) -> bytes:
    """Some characters of a text are others."""
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 5])):
        if changed:
            changed[random.randrange(len(changed))] = random.choice(b'0123456789.,-:;"{}[]\n\t #eE+_ax=')
    return bytes(changed)


def lines(content: bytes, random: Random) -> bytes:
    """Lines of a text are lost, twice there, or in another order."""
    parts = content.splitlines(keepends=True)
    if parts:
        place = random.randrange(len(parts))
        match random.randrange(3):
            case 0:
                del parts[place]
            case 1:
                parts.insert(place, parts[place])
            case _:
                parts.append(parts.pop(place))
    return b"".join(parts)


def cells(content: bytes, random: Random) -> bytes:
    """A word or a cell of a text is another."""
    text = content.decode("utf-8", "replace")
    marks = [index for index, sign in enumerate(text) if sign in ",;\t\n :"]
    if not marks:
        return content
    start = random.choice(marks)
    end = next((mark for mark in marks if mark > start), len(text))
    return (text[: start + 1] + random.choice(CELLS) + text[end:]).encode("utf-8", "surrogatepass")


def values(content: bytes, random: Random) -> bytes:
    """A value of JSON is another, is missing, or stands under another key."""
    try:
        document = json.loads(content)
    except ValueError:
        return characters(content, random)
    places = list(_places(document))
    if not places:
        return b"null"
    holder, key = random.choice(places)
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}_"] = holder.pop(key)
        case 2 if isinstance(holder, list):
            holder.append(holder[key])
        case 3 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = holder[key] * random.choice([-1, 0, 10, 0.5, 1000]) + random.choice([0, 1])
        case _:
            holder[key] = random.choice(VALUES)
    return json.dumps(document).encode()


ANY: tuple[Mutation, ...] = (
    *(truncated, emptied, flipped, flipped, zeroed, scrambled, shortened, prolonged, nothing_of_the_kind),
)
"""For files of every kind."""
OF_TEXTS: tuple[Mutation, ...] = (characters, characters, lines, cells, cells, cells)
OF_JSON: tuple[Mutation, ...] = (values, values, values, values, characters)


def _stretch(content: bytes, random: Random) -> tuple[int, int]:
    length = random.randint(1, max(len(content) // 5, 1))
    return random.randrange(max(len(content) - length, 1)), length


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in it, by what holds it and its key or number there."""
    if isinstance(document, dict | list):
        for key in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, key
            yield from _places(document[key])
