"""Who sends, said by Jingle (relative to the initiator) and by SDP (relative to the writer).

XEP-0166 §7.3 and XEP-0167 §6: four cases, the writer's role times who sends.
"""

from jinglebridge.protocol.jingle.xep_0166 import Creator, Senders
from jinglebridge.protocol.sdp.description import Direction, direction_of

_SENDERS = {
    (True, True): Senders.BOTH,
    (True, False): Senders.INITIATOR,
    (False, True): Senders.RESPONDER,
    (False, False): Senders.NONE,
}


def senders_of(direction: Direction, writer: Creator) -> Senders:
    """The senders of a section that ``writer`` described with this direction."""
    if writer is Creator.INITIATOR:
        return _SENDERS[direction.sends, direction.receives]
    return _SENDERS[direction.receives, direction.sends]


def direction_of_senders(senders: Senders | None, writer: Creator) -> Direction:
    """The direction that ``writer`` writes for these senders; absent means both (§7.3)."""
    both = senders in (None, Senders.BOTH)
    initiator = both or senders is Senders.INITIATOR
    responder = both or senders is Senders.RESPONDER
    if writer is Creator.INITIATOR:
        return direction_of(sends=initiator, receives=responder)
    return direction_of(sends=responder, receives=initiator)
