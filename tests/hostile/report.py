"""Figures in, a page out, and whether each bound holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.report import table

FLOODS = {"flood": "Dino's offer", "flood_small": "one codec"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bound."""

    what: str
    measured: str
    bound: str
    holds: bool


def verdicts(figures: dict[str, Any]) -> list[Verdict]:
    """Every bound, with what was measured."""
    return [*_scripted(figures["scripted"]), *_floods(figures), *_prosody(figures["prosody"])]


def _none(what: str, count: int) -> Verdict:
    return Verdict(what, f"{count:,}", "0", count == 0)


def _below(what: str, value: float, bound: float, unit: str = "ms") -> Verdict:
    return Verdict(what, f"{value:,} {unit}", f"< {bound:,.0f} {unit}", value < bound)


def _at_least(what: str, count: int, least: int) -> Verdict:
    return Verdict(what, f"{count:,}", f"≥ {least:,}", count >= least)


def _scripted(part: dict[str, Any]) -> Iterator[Verdict]:
    stanzas, hijack, totals = part["stanzas"], part["hijack"], part["totals"]
    sent = f"{stanzas['stanzas']:,} stanzas"
    yield _none(f"{sent}: streams lost", totals["streams"] - 1)
    yield _none(f"{sent}: uncaught exceptions", stanzas["uncaught"])
    yield _none(f"{sent}: errors logged", stanzas["logged_errors"])
    yield _none(f"{sent}: honest calls lost", int(not stanzas["honest_call_alive"]))
    yield _below(f"{sent}: honest pings, p99", stanzas["pings"]["p99_ms"], 100)
    tried = f"{hijack['attempts']:,} hijacks"
    yield _none(f"{tried}: accepted", hijack["accepted"])
    yield _none(f"{tried}: known and unknown sid answered differently", hijack["distinguishable"])
    yield _none(f"{tried}: heard by the victim", hijack["heard_by_victim"])
    yield _none(f"{tried}: victims' calls lost", int(not hijack["victim_alive"]))
    yield _none(f"{totals['outgoing']:,} outgoing stanzas: foreign `from`", totals["foreign"])
    yield from _kept("stanzas and hijacks", stanzas, 50)


def _floods(figures: dict[str, Any]) -> Iterator[Verdict]:
    for name, title in FLOODS.items():
        part = figures[name]
        who = f"{part['rate']:,} initiates/s of one JID ({title})"
        yield _below(f"{who}: honest set-ups, p95", part["honest_setups"]["p95_ms"], 2_000)
        yield _none(f"{who}: honest set-ups refused", part["honest_refused"])
        yield from _kept(who, part, 16)
        yield _none(f"{who}: errors and uncaught exceptions", len(part["failures"]))


def _kept(who: str, part: dict[str, Any], mebibytes: float) -> Iterator[Verdict]:
    """What is still held when everything should be gone."""
    before, after = part["before"], part["after"]
    yield _below(f"{who}: reaped after", part["reaped_s"], 60, "s")
    gained = round(after["rss_mib"] - before["rss_mib"], 1)
    yield _below(f"{who}: memory kept", gained, mebibytes, "MiB")
    for kind in ("calls", "tasks", "files"):
        yield _none(f"{who}: {kind} kept", max(0, after[kind] - before[kind]))


def _prosody(part: dict[str, Any]) -> Iterator[Verdict]:
    stanzas, flood = part["stanzas"], part["flood"]
    sent = f"{stanzas['stanzas']:,} stanzas through Prosody"
    yield _none(f"{sent}: streams lost", stanzas["stream_drops"])
    yield _none(f"{sent}: uncaught exceptions", stanzas["uncaught"])
    yield _none(f"{sent}: errors logged", stanzas["logged_errors"])
    who = f"{flood['rate']:,} initiates/s through Prosody"
    yield _below(f"{who}: honest set-ups, p95", flood["honest_setups"]["p95_ms"], 2_000)
    yield _none(f"{who}: honest set-ups refused", flood["honest_refused"])
    yield _below(f"{who}: reaped after", flood["reaped_s"], 60, "s")


def page(figures: dict[str, Any], surroundings: str) -> str:
    """docs/results/hostile.md."""
    rows = [
        (each.what, each.measured, each.bound, "yes" if each.holds else "**no**")
        for each in verdicts(figures)
    ]
    pings = [
        _times("stanzas, scripted server", figures["scripted"]["stanzas"]["pings"]),
        _times("flood, Dino's offer", figures["flood"]["pings"]),
        _times("flood, one codec", figures["flood_small"]["pings"]),
        _times("stanzas, through Prosody", figures["prosody"]["stanzas"]["pings"]),
        _times("… of Prosody itself", figures["prosody"]["stanzas"]["pings_of_server_alone"]),
        _times("flood, through Prosody", figures["prosody"]["flood"]["pings"]),
        _times("… of Prosody itself", figures["prosody"]["flood"]["pings_of_server_alone"]),
    ]
    setups = [
        _times("Dino's offer", figures["flood"]["honest_setups"]),
        _times("one codec", figures["flood_small"]["honest_setups"]),
        _times("through Prosody", figures["prosody"]["flood"]["honest_setups"]),
    ]
    kinds = ", ".join(
        f"{count:,} {name}" for name, count in figures["scripted"]["stanzas"]["kinds"].items()
    )
    hijack = figures["scripted"]["hijack"]
    answers = "\n".join(f"- {count:,} × {text}" for text, count in hijack["answers"].items())
    plan = figures["plan"]
    sizes = " and of ".join(f"{figures[name]['bytes_each']:,}" for name in FLOODS)
    shares = [
        (name, f"{part['cpu_percent']:g}", f"{part['cpu_wait_percent']:g}")
        for name, part in (
            ("stanzas, scripted server", figures["scripted"]["stanzas"]),
            *((f"flood, {title}", figures[name]) for name, title in FLOODS.items()),
            ("stanzas, through Prosody", figures["prosody"]["stanzas"]),
            ("flood, through Prosody", figures["prosody"]["flood"]),
        )
    ]
    header = ("honest pings", "count", "median", "p95", "p99", "longest")
    return f"""\
# Under attack

`make hostile` (seed {plan["seed"]}); {surroundings}.

{table(("What", "measured", "bound", "holds"), rows)}

{table(header, pings)}

{table(("honest set-ups under a flood", *header[1:]), setups)}

{table(("the bridge's process, % of a core", "used", "waited for one"), shares)}

Times are in ms. A set-up is from the session-initiate to the session-accept.

- **Stanzas** are drawn by hypothesis from the schemas in `tests/schemas`, with parts missing,
  wrong and added, and made by hand where no schema reaches: {kinds}. {plan["rate"]:g} a second in
  the names of 20 clients, among sessions in every state, some of which the bridge began itself.
- **Hijacks** are tried on a session whose sid is known: every action and every message, from
  other accounts, other resources, look-alikes and other domains, with changed initiator and
  responder and with ids of others' requests. Each is tried with an unknown sid as well, and the
  answers compared (median time {hijack["known_sid_p50_ms"]} and {hijack["unknown_sid_p50_ms"]} ms):

{answers}

- **Floods**: one account, its session-initiates of {sizes} bytes, with the limits that
  `jinglebridge run` has and a media side that opens sockets.
- **Through Prosody**, from accounts: what it lets pass. Its own pings say how much of a delay is
  its own; a stanza of 36,000 levels alone keeps it from everything else for more than a second.
- **The scripted server** and the clients run in other processes than the bridge, on the same
  machine.
"""


def _times(name: str, spread: dict[str, float]) -> tuple[str, ...]:
    keys = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
    return (name, f"{spread['count']:,}", *(f"{spread[key]:,.1f}" for key in keys))
