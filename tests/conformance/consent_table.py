"""Writes out consent_table.json: what each rule may find, in the rules' order, and what it says of that.

Every combination of off and not off is a case. The spellings take turns in the cases, so that each spelling of each
variable occurs, and each spelling that leaves it on occurs also where nothing else is off.
"""

import json
from itertools import cycle, product

VARIABLES = "PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"


class Rule:
    """A rule, and what it may find: (what it says, what it found), taking turns."""

    def __init__(self, name, found):
        self.name = name
        pairs = [(says, value) for says, values in found.items() for value in values]
        self.off = [pair for pair in pairs if pair[0] == "off"]
        self.not_off = [pair for pair in pairs if pair[0] != "off"]
        self.turns = {True: cycle(self.off), False: cycle(self.not_off)}

    def next(self, is_off):
        return next(self.turns[is_off])


def cases(table):
    """The cases, in the format of the other files. One environment's follow each other."""
    rules = {name: Rule(name, found) for names, found in table.items() for name in names.split(", ")}
    others = [name for name in rules if name not in VARIABLES]
    written = {}
    for environment in environments([rules[name] for name in VARIABLES]):
        for offs in product([False, True], repeat=len(others)):
            found = {name: rules[name].next(is_off) for name, is_off in zip(others, offs)}
            found.update(zip(VARIABLES, environment))
            one = case({name: found[name] for name in rules})
            written[one["name"]] = one  # the same again where there are few spellings
    return list(written.values())


def environments(rules):
    """What the variables hold: every spelling that is no opinion, then off and not off in every combination."""
    offs = [combination for combination in product([False, True], repeat=len(rules)) if any(combination)]
    half = (len(offs) + 1) // 2  # each of them is off in so many
    rounds = -(-max(len(rule.off) for rule in rules) // half)
    for turn in range(max(len(rule.not_off) for rule in rules)):
        yield [rule.not_off[(turn + place) % len(rule.not_off)] for place, rule in enumerate(rules)]
    for combination in offs * rounds:
        yield [rule.next(is_off) for rule, is_off in zip(rules, combination)]


def case(found):
    """One case: {rule: (what it says, what it finds)} in the rules' order, and so what must come of it."""
    decides = next((name for name, (says, _) in found.items() if says == "off"), None)
    is_on = decides is None
    values = {name: value for name, (_, value) in found.items()}
    told = ", ".join(f"{name} {json.dumps(value)}" for name, value in values.items() if value is not None)
    rules = [{"rule": name, "says": says} for name, (says, _) in found.items()]
    state = "enabled" if is_on else "disabled"
    return {
        "name": f"consent is {'on' if is_on else f'off by {decides}'}: {told or 'nothing said'}",
        "environment": {name: values[name] for name in VARIABLES},
        "choice": values["saved choice"],
        "system_choice": values["system choice"],
        "config": {"enabled": values["host"]},
        "calls": [
            {"call": "is_enabled", "expect": int(is_on)},
            {"call": "track", "expect": 0 if is_on else 1},
            {"call": "explain", "expect": {"enabled": is_on, "state": state, "rule": decides, "rules": rules}},
            {"call": "close"},
            {"call": "stats", "expect": {"accepted": int(is_on), "delivered": int(is_on)}},
        ],
        "requests": [{"like": "ga4"}] if is_on else [],
    }
