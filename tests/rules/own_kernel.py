"""The little of trio that the model needs, for machines without it (AGGR_MODEL=own: for all): tasks,
cancel scopes, nurseries and a clock that jumps. Cancellation is level-triggered; a scope that leaves catches its own only.
"""
import heapq
import itertools
import math
import types


class Cancelled(BaseException):
    pass


class MultiError(BaseException):
    pass


class Task:
    def __init__(self, coroutine, scope, nursery):
        self.coroutine, self.scope, self.nursery = coroutine, scope, nursery
        self.waiting = False


class Kernel:
    def __init__(self):
        self.now, self.numbers = 0.0, itertools.count()
        self.timers, self.ready, self.tasks, self.running = [], [], [], None

    def at(self, when, action):
        heapq.heappush(self.timers, (when, next(self.numbers), action))

    def wake(self, task, raising=None):
        if task.waiting:
            task.waiting = False
            self.ready.append((task, raising))

    def deliver(self):
        """Wakes every task that waits in a cancelled scope."""
        for task in self.tasks:
            if task.waiting and cancelled_around(task.scope):
                self.wake(task, Cancelled())

    def spawn(self, coroutine, scope, nursery):
        task = Task(coroutine, scope, nursery)
        self.tasks.append(task)
        self.ready.append((task, None))
        return task

    def step(self, task, raising):
        self.running, ended = task, True
        try:
            if raising:
                task.coroutine.throw(raising)
            else:
                task.coroutine.send(None)
            ended = False
        except (StopIteration, Cancelled):
            pass
        if ended:
            self.tasks.remove(task)
            if task.nursery:
                task.nursery.ended()

    def drive(self, main):
        while main in self.tasks:
            batch, self.ready = self.ready, []
            for task, raising in batch:
                self.step(task, raising)
            if not self.ready and main in self.tasks:
                self.now, _, action = heapq.heappop(self.timers)
                action()


kernel = None


def cancelled_around(scope):
    while scope and not scope.cancel_called:
        if scope.shield:
            return None
        scope = scope.parent
    return scope


def innermost_cancelled():
    return cancelled_around(kernel.running.scope)


def outer_is_visible(scope):
    return not scope.shield and cancelled_around(scope.parent) is not None


@types.coroutine
def suspend(raises=True):
    task = kernel.running
    if raises and cancelled_around(task.scope):
        raise Cancelled()
    task.waiting = True
    yield


def current_time():
    return kernel.now


async def sleep(seconds):
    task = kernel.running
    if seconds > 0:
        woken = []
        kernel.at(kernel.now + seconds, lambda: woken or kernel.wake(task))
        try:
            await suspend()
        finally:
            woken.append(True)
        return
    if cancelled_around(task.scope):
        raise Cancelled()
    kernel.ready.append((task, None))
    await yielded()


@types.coroutine
def yielded():
    yield


class CancelScope:
    def __init__(self, *, shield=False, deadline=math.inf):
        self._shield, self.deadline = shield, deadline
        self.cancel_called = self.cancelled_caught = self.closed = False
        self.parent = None

    @property
    def shield(self):
        return self._shield

    @shield.setter
    def shield(self, value):
        self._shield = value
        kernel.deliver()

    def __enter__(self):
        task = kernel.running
        self.parent, task.scope = task.scope, self
        if self.deadline <= kernel.now:
            self.cancel()
        elif self.deadline < math.inf:
            kernel.at(self.deadline, self.expire)
        return self

    def expire(self):
        if not self.closed:
            self.cancel()

    def cancel(self):
        self.cancel_called = True
        kernel.deliver()

    def __exit__(self, kind, raised, trace):
        kernel.running.scope, self.closed = self.parent, True
        self.cancelled_caught = (isinstance(raised, Cancelled) and self.cancel_called
                                 and not outer_is_visible(self))
        return self.cancelled_caught


class Event:
    def __init__(self):
        self.happened, self.waiters = False, []

    def set(self):
        self.happened = True
        for task in self.waiters:
            kernel.wake(task)

    async def wait(self):
        if not self.happened:
            self.waiters.append(kernel.running)
            await suspend()


class Nursery:
    def __init__(self):
        self.cancel_scope, self.live, self.changed = CancelScope(), 0, Event()

    def start_soon(self, fn, *args):
        self.live += 1
        kernel.spawn(fn(*args), self.cancel_scope, self)

    def ended(self):
        self.live -= 1
        self.changed.set()

    async def __aenter__(self):
        self.cancel_scope.__enter__()
        return self

    async def __aexit__(self, kind, raised, trace):
        with CancelScope(shield=True):
            while self.live:
                self.changed = Event()
                await self.changed.wait()
        return self.cancel_scope.__exit__(kind, raised, trace)


open_nursery = Nursery


def run(fn, *args):
    global kernel
    kernel, results = Kernel(), []

    async def body():
        results.append(await fn(*args))
    kernel.drive(kernel.spawn(body(), None, None))
    return results[0]
