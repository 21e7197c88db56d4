"""Two of our endpoints call each other, bundled and not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from jinglebridge.bridge.ports import ConnectionState, LocalCandidates, MediaEvent, MediaSession
from jinglebridge.errors import (
    ConnectivityError,
    GeneralError,
    SecurityError,
    UnsupportedApplications,
)
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.program import Program
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.sdp.description import Answer, Offer
from jinglebridge.services.echo import EchoProgram
from tests.media.answering import AUDIO_AND_VIDEO, Player
from tests.media.calls import LOOPBACK, Events
from tests.media.conftest import open_sockets

MIDS = ("0", "1")
pytestmark = pytest.mark.usefixtures("nothing_left")


@dataclass
class End:
    """One side: a session, and the candidates that it hands to the other side by itself."""

    session: MediaSession
    events: Events
    inbox: asyncio.Queue[LocalCandidates]

    async def hand_over(self, other: "End") -> None:
        while True:
            event = await self.inbox.get()
            await other.session.add_candidates(event.trickled)


@dataclass
class Pair:
    """Who offers, and who answers."""

    offerer: End
    answerer: End
    change_offer: Callable[[Offer], Offer] = lambda offer: offer
    change_answer: Callable[[Answer], Answer] = lambda answer: answer

    async def call(self, kinds: tuple[str, ...] = AUDIO_AND_VIDEO) -> tuple[Offer, Answer]:
        offer = self.change_offer(await self.offerer.session.prepare_offer(kinds))
        answer = self.change_answer(await self.answerer.session.answer(offer))
        await self.offerer.session.commit(answer)
        return offer, answer

    async def connected(self) -> None:
        for end in (self.offerer, self.answerer):
            await end.events.reached(ConnectionState.CONNECTED)


@asynccontextmanager
async def pair(
    offering: Callable[[], Program], answering: Callable[[], Program]
) -> AsyncIterator[Pair]:
    engine = InProcessEngine(LOOPBACK, {"offering": offering, "answering": answering})

    async def end(name: str) -> End:
        events, inbox = Events(), asyncio.Queue[LocalCandidates]()

        def emit(event: MediaEvent) -> None:
            events(event)
            if isinstance(event, LocalCandidates):
                inbox.put_nowait(event)

        return End(await engine.open(name, "peer@localhost/a", emit), events, inbox)

    one, other = await end("offering"), await end("answering")
    carrying = [
        asyncio.create_task(one.hand_over(other)),
        asyncio.create_task(other.hand_over(one)),
    ]
    try:
        yield Pair(one, other)
    finally:
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        await one.session.close()
        await other.session.close()
        await engine.close()


def unbundled(offer: Offer) -> Offer:
    return replace(offer, groups=())


@pytest.mark.parametrize("change", [lambda offer: offer, unbundled], ids=["bundled", "unbundled"])
@pytest.mark.parametrize("player_offers", [True, False])
async def test_media_goes_both_ways(player_offers: bool, change: Callable[[Offer], Offer]) -> None:
    player = Player()
    programs: tuple[Callable[[], Program], ...] = (lambda: player, EchoProgram)
    async with pair(*(programs if player_offers else programs[::-1])) as calling:
        calling.change_offer = change
        offer, answer = await calling.call()
        await calling.connected()
        for section in offer.media:
            heard = await player.heard(section.mid, 10)
            assert all(item.endswith(b" in " + section.mid.encode()) for item in heard)
        transports = len({section.ice_ufrag for section in answer.media})
        assert transports == (1 if answer.groups else 2)


async def test_group_without_a_bundle_behind_it() -> None:
    """Clients that never bundle have been seen to repeat the offer's group."""
    async with pair(Player, EchoProgram) as calling:
        calling.change_offer = unbundled
        calling.change_answer = lambda answer: replace(answer, groups=(group_of("BUNDLE", MIDS),))
        _, answer = await calling.call()
        await calling.connected()
        assert len({section.ice_ufrag for section in answer.media}) == 2


async def test_needless_transports_end_with_the_answer() -> None:
    async with pair(Player, EchoProgram) as calling:
        before = open_sockets()
        await calling.offerer.session.prepare_offer(("audio", "video", "video"))
        await calling.offerer.events.gathered(3)
        assert open_sockets() == before + 3
        assert calling.offerer.events.states == []
    async with pair(Player, EchoProgram) as calling:
        before = open_sockets()
        await calling.call(("audio", "video", "video"))
        await calling.connected()
        assert open_sockets() == before + 2
        assert ConnectionState.FAILED not in calling.offerer.events.states


@pytest.mark.parametrize("gone", MIDS)
async def test_section_that_is_refused(gone: str) -> None:
    player = Player()
    async with pair(lambda: player, EchoProgram) as calling:
        calling.change_offer = lambda offer: offer.with_media(
            tuple(replace(one, port=0) if one.mid == gone else one for one in offer.media)
        )
        _, answer = await calling.call()
        assert [one.mid for one in answer.media if one.is_rejected] == [gone]
        await calling.connected()
        left = "1" if gone == "0" else "0"
        assert len(await player.heard(left, 10)) == 10
        assert player.ears.keys() == {left}


async def test_candidates_that_come_before_the_answer_are_not_lost() -> None:
    async with pair(Player, EchoProgram) as calling:
        offer = await calling.offerer.session.prepare_offer(AUDIO_AND_VIDEO)
        answer = await calling.answerer.session.answer(offer)
        await calling.answerer.events.gathered()
        await calling.offerer.events.gathered(2)
        await asyncio.sleep(0.1)
        await calling.offerer.session.commit(answer)
        await calling.connected()


async def test_wrong_answer_is_refused_and_a_right_one_taken_after_it() -> None:
    async with pair(Player, EchoProgram) as calling:
        offer = await calling.offerer.session.prepare_offer(AUDIO_AND_VIDEO)
        answer = await calling.answerer.session.answer(offer)
        naked = tuple(replace(one, fingerprints=()) for one in answer.media)
        with pytest.raises(SecurityError, match="no fingerprint"):
            await calling.offerer.session.commit(answer.with_media(naked))
        await calling.offerer.session.commit(answer)
        await calling.connected()


async def test_wrong_fingerprint_in_the_answer_lets_nothing_through() -> None:
    player = Player()
    async with pair(lambda: player, EchoProgram) as calling:
        wrong = Fingerprint(hash="sha-256", value=":".join(["00"] * 32))
        calling.change_answer = lambda answer: answer.with_media(
            tuple(replace(one, fingerprints=(wrong,)) for one in answer.media)
        )
        await calling.call()
        await calling.offerer.events.reached(ConnectionState.FAILED)
        assert isinstance(calling.offerer.events.error, SecurityError)
        assert player.ears == {}


async def test_hanging_up_before_the_answer_leaves_nothing() -> None:
    async with pair(Player, EchoProgram) as calling:
        await calling.offerer.session.prepare_offer(AUDIO_AND_VIDEO)
        await calling.offerer.session.close()
        assert calling.offerer.events.states == [ConnectionState.CLOSED]


@pytest.mark.parametrize("when", ["before an offer", "twice", "as the answerer"])
async def test_answer_that_belongs_to_no_offer(when: str) -> None:
    async with pair(Player, EchoProgram) as calling:
        if when == "before an offer":
            answer = Answer()
        else:
            _, answer = await calling.call()
        end = calling.answerer if when == "as the answerer" else calling.offerer
        with pytest.raises(GeneralError):
            await end.session.commit(answer)


async def test_offer_of_something_unknown_is_refused() -> None:
    async with pair(Player, EchoProgram) as calling:
        with pytest.raises(UnsupportedApplications, match="telepathy"):
            await calling.offerer.session.prepare_offer(("telepathy",))


async def test_offer_without_an_address_fails() -> None:
    engine = InProcessEngine(replace(LOOPBACK, bind_addresses=("192.0.2.99",)), {"echo": Player})
    events = Events()
    session = await engine.open("echo", "peer@localhost/a", events)
    await session.prepare_offer(AUDIO_AND_VIDEO)
    await events.reached(ConnectionState.FAILED)
    assert isinstance(events.error, ConnectivityError)
    await session.close()
    await engine.close()
