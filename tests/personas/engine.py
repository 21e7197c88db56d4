"""A media engine without sockets: it answers by the real rules, and nothing ever flows."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jinglebridge.bridge.ports import LocalCandidates, MediaEvent
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.plan import LocalParameters, SectionParameters
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.testing import CANDIDATE, FINGERPRINT, FakeEngine, FakeMediaSession


@dataclass(slots=True)
class NegotiatingSession(FakeMediaSession):
    """Answers as the media endpoint does; two candidates a transport, then the end."""

    async def answer(self, offer: Offer) -> Answer:
        self.offer = offer
        negotiated = negotiate(offer, _parameters(len(offer.media)))
        for plan in negotiated.transports:
            trickled = TrickledCandidates(
                mid=plan.mids[0],
                ufrag=plan.local_ufrag,
                candidates=(CANDIDATE, replace(CANDIDATE, port=50_001, foundation="2")),
                end_of_candidates=True,
            )
            self.emit(LocalCandidates(trickled=trickled))
        return negotiated.answer


@dataclass(slots=True)
class NegotiatingEngine(FakeEngine):
    """Opens such sessions."""

    made: list[NegotiatingSession] = field(default_factory=list)

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
