"""trio on its mock clock, as the model uses it; own_kernel.py offers the same."""
import warnings

import trio
import trio.testing
from trio import Cancelled, CancelScope, Event, current_time, open_nursery, sleep
from trio._core import _run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trio import MultiError

__all__ = ["Cancelled", "CancelScope", "Event", "MultiError", "current_time", "open_nursery", "sleep",
           "innermost_cancelled", "outer_is_visible", "run"]


class Batches:
    """trio reverses its batches at random; here they stay first in, first out."""
    random = staticmethod(lambda: 1.0)
    uniform = staticmethod(lambda low, high: low)


_run._r = Batches()


def outer_is_visible(scope):
    """Whether a cancellation from outside of an open scope reaches into it."""
    return scope._cancel_status.parent_cancellation_is_visible_to_us


def innermost_cancelled():
    """The nearest cancelled scope that the running task can see, or None."""
    status = trio.lowlevel.current_task()._cancel_status
    while status and not status._scope.cancel_called:
        if status._scope.shield:
            return None
        status = status._parent
    return status and status._scope


def run(fn, *args):
    return trio.run(fn, *args, clock=trio.testing.MockClock(autojump_threshold=0))
