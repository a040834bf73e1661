#!/usr/bin/python3
"""The model of the random-tree test: runs trees on trio's scheduler and mock clock
(own_kernel.py where there is no trio).

usage: model.py FIRST_SEED COUNT     one line of Lua per seed: { seed, tree, trace, tie }

`tie` is 1 when bodies that began or share their budgets together ran out of them: they end at once,
in any order.

The kernel gives scopes, cancellation, shields, deadlines and time. Only what aggr defines otherwise is
written out here: which error a group raises (R5), that waiting for children is no failure (R4),
shields that end (R18), deferred functions (R19-R21).
"""
import os
import sys

import tree

try:
    if os.environ.get("AGGR_MODEL") == "own":
        raise ImportError
    import trio_kernel as kernel
except ImportError:
    import own_kernel as kernel

BUDGET = 5.0
END = {"label": "end", "body": []}  # what every task defers first, so that it runs last


class Failure(Exception):
    def __init__(self, label):
        super().__init__(label)
        self.label = label
        self.suppressed = []

    def suppress(self, other):
        if other is not self and other not in self.suppressed:
            self.suppressed.append(other)

    def text(self):
        inner = ",".join(e.text() for e in self.suppressed)
        return self.label + (f"[{inner}]" if inner else "")


def added(outcome, failure):
    """An error of a deferred function comes after what is in flight, and before a cancellation."""
    if not isinstance(outcome, Failure):
        return failure
    outcome.suppress(failure)
    return outcome


class Body:
    """Whatever deferred functions bind to; `task` is the number in the trace."""
    def __init__(self, task, groups, *defers):
        self.task, self.groups, self.defers = task, groups, list(defers)


class Group:
    def __init__(self, nursery):
        self.nursery, self.live, self.errors, self.cancelled = nursery, 0, [], None
        self.changed = kernel.Event()

    def fail(self, error):
        if error not in self.errors:
            self.errors.append(error)
        self.nursery.cancel_scope.cancel()

    def leave(self):
        self.live -= 1
        self.changed.set()

    async def join(self):
        with kernel.CancelScope(shield=True):
            while self.live:
                self.changed = kernel.Event()
                await self.changed.wait()


class Model:
    def __init__(self, service):
        self.service = service
        self.trace, self.scopes, self.states, self.budgets = {}, {}, {}, {}
        self.spent, self.tie = set(), False
        self.zero = kernel.current_time()

    def log(self, task, label):
        self.trace.setdefault(task, []).append((kernel.current_time() - self.zero, label))

    async def steps(self, body, steps):
        for step in steps:
            await getattr(self, step["op"])(body, step)

    def budget_end(self):
        """All that a cancelled scope still runs shares one budget (R20); others have their own."""
        end = kernel.current_time() + BUDGET
        cancelled = kernel.innermost_cancelled()
        return self.budgets.setdefault(cancelled, end) if cancelled else end

    async def run_defers(self, body, outcome):
        if not body.defers:
            return outcome
        spent = False
        end = self.budget_end()
        with kernel.CancelScope(shield=True, deadline=end):
            while body.defers:
                step = body.defers.pop()
                self.log(body.task, step.get("label") or f"defer{step['n']}")
                try:
                    await self.steps(Body(body.task, body.groups), step["body"])
                except kernel.Cancelled:
                    if not spent:
                        outcome = added(outcome, Failure("deadline"))
                        self.tie |= end in self.spent or end in self.budgets.values()
                        self.spent.add(end)
                    spent = True
                except Failure as failure:
                    outcome = added(outcome, failure)
        return outcome

    async def body(self, body, steps):
        """Runs steps with their deferred functions; raises what comes of it."""
        outcome = None
        try:
            await self.steps(body, steps)
        except (Failure, kernel.Cancelled) as raised:
            outcome = raised
        outcome = await self.run_defers(body, outcome)
        if outcome is not None:
            raise outcome

    async def child(self, group, step, groups):
        task = step["task"]
        with kernel.CancelScope() as own:
            self.scopes[task] = own
            self.states[task] = "cancelled"
            self.log(task, "start")
            try:
                await self.body(Body(task, groups, END), step["body"])
                self.states[task] = "ok"
            except Failure as failure:
                group.fail(failure)
                self.states[task] = "error " + failure.label
            except kernel.Cancelled as cancelled:
                if kernel.outer_is_visible(own):
                    group.cancelled = cancelled
            del self.scopes[task]
            group.leave()

    # One method per op.

    async def sleep(self, body, step):
        await kernel.sleep(step["t"])
        self.log(body.task, f"slept{step['n']}")

    async def error(self, body, step):
        raise Failure(f"e{step['n']}")

    async def defer(self, body, step):
        body.defers.append(step)

    async def spawn(self, body, step):
        group = body.groups[step["group"]]
        group.live += 1
        group.nursery.start_soon(self.child, group, step, body.groups)

    async def cancel_group(self, body, step):
        body.groups[step["group"]].nursery.cancel_scope.cancel()

    async def cancel_task(self, body, step):
        scope = self.scopes.get(step["task"])
        if scope:
            scope.cancel()

    async def attempt(self, body, step):
        try:
            await self.steps(body, step["body"])
            self.log(body.task, f"tried{step['n']}")
        except Failure as failure:
            self.log(body.task, f"caught{step['n']} {failure.text()}")

    async def deadline(self, body, step):
        with kernel.CancelScope(deadline=kernel.current_time() + step["t"]) as scope:
            await self.body(Body(body.task, body.groups), step["body"])
        if scope.cancelled_caught:
            raise Failure("deadline")
        self.log(body.task, f"deadline{step['n']}")

    async def shield(self, body, step):
        async def lower(scope, seconds):
            await kernel.sleep(seconds)
            scope.shield = False
        with kernel.CancelScope(shield=True) as scope:
            self.service.start_soon(lower, scope, step["t"])
            await self.body(Body(body.task, body.groups), step["body"])
        self.log(body.task, f"shield{step['n']}")

    async def group(self, body, step):
        passed_on = group = None
        try:
            async with kernel.open_nursery() as nursery:
                group = Group(nursery)
                groups = {**body.groups, step["n"]: group}
                try:
                    await self.body(Body(body.task, groups), step["body"])
                except Failure as failure:
                    group.fail(failure)
                except kernel.Cancelled as cancelled:
                    group.cancelled = cancelled
                await group.join()
                if group.cancelled:
                    raise group.cancelled
        except (kernel.Cancelled, kernel.MultiError) as raised:
            passed_on = raised
        if group.errors:
            first = group.errors[0]
            for other in group.errors[1:]:
                first.suppress(other)
            raise first
        if passed_on is not None and group.cancelled:
            raise group.cancelled
        self.log(body.task, f"group{step['n']}")


async def run(steps):
    async with kernel.open_nursery() as service:
        model = Model(service)
        model.log(1, "start")
        try:
            await model.body(Body(1, {}, END), steps)
            model.states[1] = "ok"
        except Failure as failure:
            model.states[1] = "error " + failure.text()
        service.cancel_scope.cancel()
    for task, state in model.states.items():
        model.trace[task].append((0, state))
    return {"tree": steps, "trace": model.trace, "tie": int(model.tie)}


def lua(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(k)}]={lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(lua(v) for v in value) + "}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main(first, count):
    for seed in range(first, first + count):
        steps = tree.make(seed)
        print("return " + lua({"seed": seed, **kernel.run(run, steps)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
