"""What real clients sent (tests/vectors/clients) becomes transports and sections."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.identity import DtlsRole
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.offering import make_offer, take_answer
from jinglebridge.media.plan import TransportPlan
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
from jinglebridge.protocol.sdp.text import dumps
from jinglebridge.protocol.session.events import AnswerReceived, OfferReceived
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import parse
from tests.media.test_negotiation import local

CLIENTS = Path(__file__).parents[1] / "vectors/clients"
BOTH = ("audio", "video")


def session(role: Creator) -> JingleSession:
    return JingleSession(role=role, sid="1", local="echo@example.org/media", peer="a@b/c")


def jingle(name: str, **numbers: str) -> Jingle:
    """A captured stanza's payload, with the payload types of an offer of ours in it."""
    text = (CLIENTS / name).read_text()
    for codec, number in numbers.items():
        before = {"opus": "id='96' name='opus'", "VP8": "name='VP8' id='97'"}[codec]
        assert before in text
        text = text.replace(before, f"id='{number}' name='{codec}'")
    [element] = fromstring(text)
    return parse(Jingle, element)


def usable(plan: TransportPlan) -> list[int]:
    """The ports that are tried."""
    policy = CandidatePolicy()
    return [one.port for one in plan.remote_candidates if policy.refusal(one) is None]


def test_dino_calls() -> None:
    [event] = session(Creator.RESPONDER).receive(
        jingle("dino-video-cam/004-in-session-initiate.xml")
    )
    assert isinstance(event, OfferReceived)
    negotiated = negotiate(event.offer, local())
    sound, picture = negotiated.transports
    assert (sound.mids, picture.mids) == (("audio",), ("video",))
    assert (sound.remote_ufrag, picture.remote_ufrag) == ("4Zgz", "IKea")
    assert (usable(sound), usable(picture)) == ([52318], [37532])
    assert [one.name for one in sound.rtp[0].codecs] == ["opus", "pcmu", "pcma"]
    assert [one.name for one in picture.rtp[0].codecs] == ["vp8"]
    assert "crypto" not in dumps(negotiated.answer)
    assert negotiated.answer.groups == ()


@pytest.mark.parametrize("numbers", [{"opus": "111", "VP8": "96"}, {}])
def test_dino_answers(numbers: dict[str, str]) -> None:
    """Also with numbers that are not the offer's: the capture answered another offer."""
    caller = session(Creator.INITIATOR)
    offer = make_offer(BOTH, local())
    caller.initiate(offer)
    [event] = caller.receive(jingle("dino-incoming/005-in-session-accept.xml", **numbers))
    assert isinstance(event, AnswerReceived)
    sound, picture = take_answer(offer, event.answer, local())
    assert (sound.mids, picture.mids) == (("0",), ("1",))
    assert (sound.local_ufrag, picture.local_ufrag) == ("ufrag0", "ufrag1")
    assert (sound.remote_ufrag, picture.remote_ufrag) == ("ox6F", "8cwV")
    assert (sound.role, picture.role) == (DtlsRole.SERVER, DtlsRole.SERVER)
    assert (usable(sound), usable(picture)) == ([37208], [43131])
    opus, vp8 = sound.rtp[0].codecs[0], picture.rtp[0].codecs[0]
    assert (opus.name, opus.payload_type) == ("opus", 111)
    assert (vp8.name, vp8.payload_type) == ("vp8", 96)
    assert (opus.sent_type, vp8.sent_type) == ((None, None) if numbers else (96, 97))
    assert vp8.feedback == {"nack", "nack pli", "goog-remb"}


def test_dino_answers_a_call_with_sound_alone() -> None:
    caller = session(Creator.INITIATOR)
    offer = make_offer(BOTH, local())
    caller.initiate(offer)
    name = "dino-audio-then-video/018-in-session-accept.xml"
    [event] = caller.receive(jingle(name, opus="111"))
    assert isinstance(event, AnswerReceived)
    [sound] = take_answer(offer, event.answer, local())
    assert sound.mids == ("0",)


def test_stanza_calls() -> None:
    name = "stanza-bot/001-in-session-initiate.xml"
    [event] = session(Creator.RESPONDER).receive(jingle(name))
    assert isinstance(event, OfferReceived)
    negotiated = negotiate(event.offer, local())
    [plan] = negotiated.transports
    assert len(plan.mids) == len(event.offer.media)
    assert not any(one.is_rejected for one in negotiated.answer.media if one.is_rtp)
