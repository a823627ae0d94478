"""Signals while a run trains."""

import os
import signal

import pytest

from lia_bench.models.training.loop import deferred_interruption


def test_termination_may_be_sent_twice() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with deferred_interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.requested
        assert interruption.terminated
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_ctrl_c_stops_at_once() -> None:
    with deferred_interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested
        assert not interruption.terminated
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
