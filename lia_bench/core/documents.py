"""JSON files with a schema: read into a pydantic model or refused in one line, and written from one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from lia_bench.core.atomic import write_json
from lia_bench.core.errors import InputError, LiaBenchError

Document = TypeVar("Document", bound=BaseModel)

INTEGERS = range(-(2**63), 2**64)
"""What is read as an integer: more digits come of damage alone, and overflow wherever they are used."""


class Version(NamedTuple):
    """The key in which a file tells the version of its schema, and the newest version that this program reads."""

    key: str
    newest: int


def read_document(
    path: Path,
    kind: type[Document],
    what: str,
    way_out: str,
    *,
    version: Version | None = None,
    error: type[LiaBenchError] = InputError,
    look: Callable[[Any], None] = lambda content: None,
    upgrade: Callable[[Any], Any] | None = None,
) -> Document:
    """The content of a JSON file as a model.

    Types are held as JSON tells them: "10" and true are no numbers, 1.0 is no integer; lists become tuples, texts
    become dates, paths and enumerations where the model has those. A model that takes files of older versions, too,
    brings their content up to date in a validator of mode "before"; where it has tuples, which such a validator turns
    into lists for good, `upgrade` does.

    Args:
        path: the file.
        kind: the model.
        what: what messages call the file, with its article: "a report".
        way_out: what the user can do about a file that is missing or damaged: "take another --name".
        version: where the file tells its version; one that is newer is refused before anything else is looked at.
        error: the class of what is raised.
        look: is shown the plain data that the file holds, whatever that is, before it becomes the model.
        upgrade: brings that plain data up to date; gives it back as it is where there is nothing to do.

    Raises:
        LiaBenchError: of class `error`. The file is not there or not readable, is no JSON, was written by a newer
            LIA-Bench, or does not fit the model; one line that names the file, and the key that does not fit.
    """
    text = _text(path, what, way_out, error)
    try:
        content = json.loads(text, parse_int=_integer)
        if version is not None:
            _refuse_newer(path, content, version, error)
        look(content)
        if upgrade is not None and (upgraded := upgrade(content)) is not content:
            text = json.dumps(upgraded)
        # Reports are long: plain data and model need not be there at once.
        del content
        return validated(kind, text)
    except ValidationError as failure:
        reason = misfit(failure)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as failure:
        reason = _one_line(failure)
    raise error(f"{path}: not readable as {what} ({reason}): {way_out}")


def write_document(path: Path, document: BaseModel) -> None:
    """Write a model as indented JSON, by its aliases; the file is whole or as it was before."""
    write_json(path, document.model_dump(mode="json", by_alias=True))


def _text(path: Path, what: str, way_out: str, error: type[LiaBenchError]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: there is no such file: {way_out}") from None
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as failure:
        reason = failure.strerror or _one_line(failure)
    raise error(f"{path}: not readable as {what} ({reason}): {way_out}")


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) < 25 else None
    if value is None or value not in INTEGERS:
        raise ValueError(f"it holds an integer of {len(digits.lstrip('-'))} digits")
    return value


def _refuse_newer(path: Path, content: Any, version: Version, error: type[LiaBenchError]) -> None:
    found = content.get(version.key) if isinstance(content, dict) else None
    if isinstance(found, int) and found > version.newest:
        raise error(
            f"{path}: written by a newer LIA-Bench ({version.key} {found}, this version reads {version.newest}): "
            "upgrade LIA-Bench"
        )


def validated(kind: type[Document], text: str) -> Document:
    """JSON as a model, types held as `read_document` holds them.

    Raises:
        ValidationError: it does not fit.
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as failure:
        if failure.errors()[0]["type"] != "json_invalid":
            raise
        # Paths that are not UTF-8 stand there as lone surrogates, which Python's parser reads and pydantic's does not.
        return kind.model_validate(json.loads(text))


def misfit(failure: ValidationError) -> str:
    """What does not fit, in one line: the key and the reason."""
    first = failure.errors()[0]
    where = _one_line(".".join(str(part) for part in first["loc"]))
    match first["type"]:
        case "missing":
            return f"'{where}' is missing"
        case "extra_forbidden":
            return f"'{where}' is unknown"
    said = _one_line(first["msg"].removeprefix("Value error, "))
    return f"{where}: {said}" if where else said


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
