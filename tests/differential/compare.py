"""Where two clients differ on a case, and whether that is listed."""
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Difference:
    """Cases on which others differ from aggr over the native transport, in one way, for one reason."""
    how: str     # see kind_of
    said: str    # what the message of the one who refuses begins with; "" = no matter what
    reason: str  # why ours is right
    curl: dict = field(default_factory=dict)  # family of cases -> how many of it
    python: dict = field(default_factory=dict)
    node: dict = field(default_factory=dict)


def kind_of(ours, theirs):
    """In what way the verdicts differ; None = they do not."""
    (word, what), (other, other_what) = ours, theirs
    if word == other:
        return "reads" if word == "accept" and what != other_what else None
    if word == "reject":
        return "stricter"  # the other accepts it, or waits for more of it
    if other == "reject":
        return "laxer"
    return "waits" if word == "hang" else "sooner"  # one waits for more, the other accepts it


def kind_of_transports(ours, theirs):
    """As kind_of; besides, an error of one transport is to be of the same kind as the other's."""
    if ours[0] == theirs[0] == "reject" and ours[1].split()[0] != theirs[1].split()[0]:
        return "kind"
    return kind_of(ours, theirs)


def differences_of(cases, ours, theirs, kind=kind_of):
    """(name, how, message of the one who refuses, both verdicts) of each case they differ on."""
    for number, case in enumerate(cases, 1):
        pair = ours[number], theirs[number]
        how = kind(*pair)
        if how:
            yield case.name, how, pair[how == "laxer"][1].partition(": ")[2], pair


def check(client, table, differences):
    """What the table does not list, and what it lists that is not so: a line for each."""
    wrong, found = [], defaultdict(list)
    for name, how, message, (ours, theirs) in differences:
        family = name.partition("/")[0]
        row = next((row for row in table if row.how == how and message.startswith(row.said)
                    and family in getattr(row, client)), None)
        if row:
            found[row.how, row.said, family].append(name)
        else:
            wrong.append(f"{client} differs on {name}, which is not listed: {how}\n"
                         f"  ours: {' '.join(ours)}\n  theirs: {' '.join(theirs)}")
    for row in table:
        for family, count in getattr(row, client).items():
            names = found[row.how, row.said, family]
            if len(names) != count:
                wrong.append(f"{client} differs on {len(names)} of {family}, {count} are listed: {row.how}, "
                             f"{row.said!r}\n  {', '.join(names)}")
    return wrong
