"""The side of frames that networks halve until few pixels are left."""

from typing import Annotated

from pydantic import AfterValidator


def _checked(size: int) -> int:
    if size & (size - 1):
        raise ValueError(f"{size} is no power of two")
    return size


PowerOfTwo = Annotated[int, AfterValidator(_checked)]
