"""Rests of the garbage collector: they end where they began, in every process."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from linepipe_core._values.garbage import no_collection


def test_it_is_on_again_after_an_error_and_stays_off_where_it_was() -> None:
    def fail() -> None:
        assert not gc.isenabled()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), no_collection():
        fail()
    assert gc.isenabled()
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork beside threads
def test_a_child_forked_meanwhile_collects() -> None:
    """The thread that would turn it on again isn't there."""
    may_end, begun = threading.Event(), threading.Event()

    def rest() -> None:
        with no_collection():
            begun.set()
            may_end.wait()

    thread = threading.Thread(target=rest)
    thread.start()
    begun.wait()
    child = os.fork()
    if not child:
        os._exit(0 if gc.isenabled() else 1)
    may_end.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gc.isenabled()
