"""torch.compile where there may be no compiler: what it calls to make code is asked for at the first use alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from lia_bench.core.errors import LiaBenchError


@contextmanager
def compiler_advice() -> Iterator[None]:
    """Turn the failure of torch.compile to make code in the block into one line that says what to do.

    Raises:
        LiaBenchError: there is no compiler, or it failed.
    """
    try:
        yield
    except RuntimeError as error:
        # Costly to import, and there already where code was to be made.
        from torch._dynamo.exc import ShortenTraceback
        from torch._inductor.exc import CppCompileError, InvalidCxxCompiler

        if not isinstance(error, ShortenTraceback | CppCompileError | InvalidCxxCompiler):
            raise
        cause = getattr(error, "inner_exception", error)
        reason = next((line for line in str(cause).splitlines() if line.strip()), "it gave no reason")
        raise LiaBenchError(
            f"--compile: torch.compile could not make code here ({type(cause).__name__}: {reason.strip()}): "
            "install a C++ compiler, such as g++, or leave --compile out"
        ) from error
