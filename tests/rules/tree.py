"""Random trees of tasks and scopes, from a seed, for the random-tree test.

A body is a list of steps, a step is a dict with `op` and a number `n` of its own:

  sleep {t}              group {body}              spawn {group, task, body}
  deadline {t, body}     shield {t, body}          attempt {body}   (aggr.try)
  error                  cancel_group {group}      cancel_task {task}
  defer {body}

Times are drawn so finely that no two timers meet, and whatever one task does to another comes right
after a sleep of its own: ties have their own specs.
"""
import random

DEEPEST = 6
MOST_TASKS = 50


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.steps = 0
        self.tasks = 1

    def step(self, op, **fields):
        self.steps += 1
        return {"op": op, "n": self.steps, **fields}

    def time(self, longest):
        return round(self.random.uniform(0.05, longest), 9)

    def sleep(self, longest=3.0):
        return self.step("sleep", t=self.time(longest))

    def defer(self):
        body = [self.sleep(1.6) for _ in range(self.random.choice((0, 1, 1, 2)))]
        if body and self.random.random() < 0.25:
            body.append(self.step("error"))
        return self.step("defer", body=body)

    def spawn(self, groups, depth):
        """Into an enclosing group; the child sees that one and those around it, which outlive it."""
        self.tasks += 1
        task = self.tasks
        at = self.random.randrange(len(groups))
        return self.step("spawn", group=groups[at], task=task,
                         body=self.body(groups[:at + 1], depth + 1))

    def group(self, groups, depth):
        step = self.step("group")
        inner = groups + [step["n"]]
        body = []
        for _ in range(self.random.randint(1, 4)):
            if self.tasks < MOST_TASKS:
                self.tasks += 1
                task = self.tasks
                body.append(self.step("spawn", group=step["n"], task=task,
                                      body=self.body(inner, depth + 1)))
        step["body"] = body + self.body(inner, depth + 1)
        return step

    def nested(self, groups, depth):
        kind = self.random.choice(("group", "group", "deadline", "shield", "attempt", "attempt"))
        if kind == "group":
            return self.group(groups, depth)
        if kind == "deadline" and self.random.random() < 0.08:
            return self.step("deadline", t=0, body=[self.defer(), self.sleep()])
        body = self.body(groups, depth + 1)
        if kind == "attempt":
            return self.step("attempt", body=body)
        return self.step(kind, t=self.time(9.0), body=body)

    def sudden(self, groups):
        """What other tasks feel."""
        kind = self.random.random()
        if kind < 0.5 or not groups:
            return self.step("error")
        if kind < 0.8:
            return self.step("cancel_group", group=self.random.choice(groups))
        return self.step("cancel_task", task=self.random.randint(2, max(2, self.tasks)))

    def body(self, groups, depth):
        steps = []
        for _ in range(self.random.randint(1, 4)):
            chance = self.random.random()
            if chance < 0.35 and depth < DEEPEST:
                steps.append(self.sleep(1.0))
                steps.append(self.nested(groups, depth))
            elif chance < 0.45 and depth < DEEPEST and groups and self.tasks < MOST_TASKS:
                steps.append(self.spawn(groups, depth))
            elif chance < 0.55:
                steps.append(self.defer())
            elif chance < (0.57 if depth < 3 else 0.63):
                steps.append(self.sleep())
                steps.append(self.sudden(groups))
            elif chance < 0.66:
                steps.append(self.step("sleep", t=0))
            else:
                steps.append(self.sleep())
        return steps


def make(seed):
    maker = Maker(seed)
    return [maker.group([], 1)] + maker.body([], 1)
