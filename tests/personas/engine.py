"""A media engine without sockets: it offers and answers by the real rules, and nothing flows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from jinglebridge.bridge.ports import LocalCandidates, MediaEvent
from jinglebridge.errors import LocalProtocolError
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.offering import make_offer, take_answer
from jinglebridge.media.plan import LocalParameters, SectionParameters
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.testing import CANDIDATE, FINGERPRINT, FakeEngine, FakeMediaSession


@dataclass(slots=True)
class NegotiatingSession(FakeMediaSession):
    """Two candidates a transport, then the end of them."""

    async def answer(self, offer: Offer) -> Answer:
        self.offer = offer
        negotiated = negotiate(offer, _parameters(len(offer.media)))
        for plan in negotiated.transports:
            self._found(plan.mids[0], plan.local_ufrag)
        return negotiated.answer

    async def prepare_offer(self, kinds: tuple[str, ...]) -> Offer:
        self.offer = make_offer(kinds, _parameters(len(kinds)))
        for section in self.offer.media:
            self._found(section.mid, section.ice_ufrag or "")
        return self.offer

    async def commit(self, answer: Answer) -> None:
        if self.offer is None:
            raise LocalProtocolError("an answer without an offer")
        take_answer(self.offer, answer, _parameters(len(self.offer.media)))
        self.committed = answer

    def _found(self, mid: str, ufrag: str) -> None:
        trickled = TrickledCandidates(
            mid=mid,
            ufrag=ufrag,
            candidates=(CANDIDATE, replace(CANDIDATE, port=50_001, foundation="2")),
            end_of_candidates=True,
        )
        self.emit(LocalCandidates(trickled=trickled))


@dataclass(slots=True)
class NegotiatingEngine(FakeEngine):
    """Opens such sessions."""

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> NegotiatingSession:
        session = NegotiatingSession(service=service, peer=peer, emit=emit, engine=self)
        self.sessions.append(session)
        return session


def _parameters(count: int) -> LocalParameters:
    sections = (
        SectionParameters(
            ufrag=f"uf{index:02}", pwd=f"{index:024}", ssrc=1_000 + index, rtx_ssrc=2_000 + index
        )
        for index in range(count)
    )
    return LocalParameters(
        session_id="1",
        cname="cname",
        stream_id="stream",
        fingerprint=FINGERPRINT,
        sections=tuple(sections),
        data_channels=False,
    )
