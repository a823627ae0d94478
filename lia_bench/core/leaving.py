"""Leaving the other processes of a run in order."""

import atexit


def leave_processes() -> None:
    """Leave the other processes of a run, if there are any; called by all of them when they have come to the end."""
    import torch.distributed as distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def leave_processes_at_exit() -> None:
    """Let this process leave its group of processes however it ends, if they talk by gloo.

    One that ends while gloo's threads still run now and then aborts, with a line that means nothing to the user and
    another exit status. NCCL has no such threads, and may wait for processes that have not failed.
    """
    atexit.register(_leave)


def _leave() -> None:
    import torch.distributed as distributed

    if distributed.is_initialized() and distributed.get_backend() == "gloo":
        leave_processes()
