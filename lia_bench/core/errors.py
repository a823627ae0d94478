"""The family of errors that a user can cause and mend; the command line prints each as one line."""

from pathlib import Path


class Terminated(KeyboardInterrupt):
    """Stopped by SIGTERM with all that was done saved: the same command again goes on."""


class EndedEarlyError(KeyboardInterrupt):
    """Stopped by SIGTERM where nothing waits for a state to be saved, as while a command starts."""


class LiaBenchError(Exception):
    """Base of all: its text names the thing, the reason and the way out, in one line."""


class InputError(LiaBenchError):
    """An argument, a table or a folder is not what the command needs."""


class UnreadableTextError(InputError):
    """A list, a table or a configuration is not there, or no text that can be read.

    Attributes:
        path: the file.
        reason: what is wrong with it, without its name.
        missing: there is no such file.
    """

    def __init__(self, path: Path, reason: str, *, missing: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.missing = missing


class UnknownNameError(LiaBenchError):
    """A model, variant, dataset, metric or configuration key that does not exist."""


class UnreadableVideoError(LiaBenchError):
    """A video cannot be opened, or breaks before its end."""


class CheckpointError(LiaBenchError):
    """A checkpoint is damaged, of another model, or of an unknown layout."""


class UnsafeCheckpointError(CheckpointError):
    """A pickle that would run code when loaded; it was refused and nothing was run."""


class MissingWeightsError(LiaBenchError):
    """Third-party weights are not on this machine; the text says where to get and to put them."""


class DeviceError(LiaBenchError):
    """The devices asked for are not there."""
