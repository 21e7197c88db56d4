"""What becomes of a call that is proposed to us: taken, declined, or in the place of another."""

from collections.abc import Callable

import structlog

from jinglebridge.bridge.outgoing import OutgoingCalls
from jinglebridge.bridge.proposals import MIGRATED, TIE_BREAK, Proposals
from jinglebridge.errors import ResourceConstraint
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0353 import Propose
from jinglebridge.protocol.session.glare import overrules
from jinglebridge.protocol.session.initiation import ProposalEnded


class Reception:
    """Takes proposals.

    Args:
        proposals: all of the bridge.
        outgoing: the calls that we place, which a proposal may cross.
        check_room: raises ``ResourceConstraint`` when a peer's call of this id has no room.
    """

    def __init__(
        self,
        proposals: Proposals,
        outgoing: OutgoingCalls,
        check_room: Callable[[str, str], None],
    ) -> None:
        self._proposals = proposals
        self._outgoing = outgoing
        self._check_room = check_room
        self._log = structlog.get_logger()

    def take(self, peer: str, local: str, propose: Propose) -> None:
        """Take or decline a call that is proposed by somebody who may.

        Args:
            peer: full JID of who proposes.
            local: JID that was addressed.
            propose: the proposal.
        """
        known = self._proposals.find(peer, propose.id)
        if known is not None and not known.is_ours:
            self._proposals.receive(peer, local, propose)
            return
        if propose.foreign and not propose.descriptions:
            unsupported = reason_of(ReasonCondition.UNSUPPORTED_APPLICATIONS)
            self._proposals.refuse(peer, local, propose.id, unsupported)
            return
        ours = self._proposals.crossing(peer, local)
        if ours is not None and overrules(
            ours.initiation.id, ours.initiation.local, propose.id, peer
        ):
            self._proposals.refuse(peer, local, propose.id, TIE_BREAK, tie_break=True)
            return
        try:
            self._check_room(peer, propose.id)
            self._migrate(peer, local, propose.id)
            self.give_way(peer, local, propose.id)
            self._proposals.take(peer, local, propose)
        except ResourceConstraint as error:
            busy = reason_of(ReasonCondition.BUSY, str(error))
            self._proposals.refuse(peer, local, propose.id, busy)
        else:
            self._log.info("call proposed", id=propose.id, peer=peer)

    def give_way(self, peer: str, local: str, id_: str) -> None:
        """End a proposal of ours that a call of the peer takes the place of.

        Args:
            peer: who calls.
            local: JID that was addressed.
            id_: of the peer's proposal or session.
        """
        ours = self._proposals.crossing(peer, local)
        if ours is not None:
            self._outgoing.expect(id_, proposal=ours)
            self._proposals.end(ours, TIE_BREAK, tie_break=True)
            ours.tell(ProposalEnded(reason=TIE_BREAK, tie_break=True))

    def _migrate(self, peer: str, local: str, id_: str) -> None:
        """End the calls that an account leaves for this one (XEP-0353 §4.2)."""
        for old in self._proposals.taken(peer, local):
            self._outgoing.expect(id_, call=old.call, proposal=old)
            self._proposals.end(old, MIGRATED, migrated_to=id_)
            if old.call is not None:
                old.call.hang_up(MIGRATED)
            else:
                old.tell(ProposalEnded(reason=MIGRATED))
