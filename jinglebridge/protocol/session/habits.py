"""What is done differently for a client: one table.

Whatever helps one client and hurts none is done for everybody and stands nowhere here: numeric
foundations, one content and one candidate with its credentials in a transport-info, a generation on
every candidate, one ``setup`` throughout. A row is a client that would be hurt by what
the others get, or misses what would hurt the others.
"""

from dataclasses import dataclass

from jinglebridge.protocol.jingle.residue import NAMESPACE as RESIDUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a session with one client is led; the defaults are safe with a client that is unknown."""

    end_of_candidates: bool = False
    """Whether it is told by ``<gathering-complete/>`` that no candidate follows.

    XEP-0176 has no word for it (XEP-0371 has), so that only those get it who understand it: Monal
    never answers a transport-info without a candidate, and Conversations looks there for an ICE
    restart.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One row: how a client is recognised, and its habits."""

    name: str
    """For people who read logs."""
    habits: Habits
    node: str | None = None
    """Of its capabilities (XEP-0115 §4), to which a version may be added."""
    feature: str | None = None
    """That nobody else announces."""

    def is_meant(self, features: frozenset[str], caps_node: str) -> bool:
        """Whether what a peer says of itself is what this client says."""
        if self.feature is not None:
            return self.feature in features
        return self.node is not None and caps_node.startswith(self.node)


CLIENTS = (
    # reads our residue, so it reads what SDP says
    Client(name="jinglebridge", feature=RESIDUE, habits=Habits(end_of_candidates=True)),
    # sends <gathering-complete/> itself, and ends its browser's gathering when it gets one
    Client(name="stanza", node="https://stanzajs.org", habits=Habits(end_of_candidates=True)),
)
"""The first row that is meant counts."""


def habits_of(features: frozenset[str] = frozenset(), caps_node: str = "") -> Habits:
    """The habits of a peer, from as much as is known of it.

    Args:
        features: of its disco answer.
        caps_node: of the capabilities in its presence.
    """
    return next(
        (client.habits for client in CLIENTS if client.is_meant(features, caps_node)), Habits()
    )
