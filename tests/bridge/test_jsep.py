"""JSEP messages: there and back unchanged, and nothing else is taken."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.bridge import jsep
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.sdp.description import TrickledCandidates

MESSAGES: list[jsep.Message] = [
    jsep.Open(session="1", service="echo", peer="a@b/c"),
    jsep.PrepareOffer(session="1", kinds=("audio", "video")),
    jsep.OfferMessage(session="1", sdp="v=0\r\n"),
    jsep.AnswerMessage(session="1", sdp="v=0\r\n"),
    jsep.Committed(session="1"),
    jsep.Candidates(session="1", mid="0", ufrag="abcd", candidates=("candidate:1",), end=False),
    jsep.Candidates(session="1", mid="0", ufrag=None, candidates=(), end=True),
    jsep.ConnectionChangedMessage(session="1", state="connected"),
    jsep.ConnectionChangedMessage(
        session="1", state="failed", reason="security-error", text="“nein”"
    ),
    jsep.Failed(session="1", reason="busy", text=""),
    jsep.Close(session="1"),
]


def frame(content: Any) -> bytes:
    body = json.dumps(content).encode()
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives(message: jsep.Message) -> None:
    assert jsep.FrameReader().feed(jsep.encode(message)) == [message]
    assert json.loads(jsep.encode(message)[4:])["v"] == 1


@given(st.lists(st.sampled_from(MESSAGES), max_size=6), st.integers(1, 50))
def test_frames_may_come_in_pieces(messages: list[jsep.Message], size: int) -> None:
    stream = b"".join(jsep.encode(message) for message in messages)
    reader = jsep.FrameReader()
    read = []
    for at in range(0, len(stream), size):
        read += reader.feed(stream[at : at + size])
    assert read == messages


OPEN = {"v": 1, "type": "open", "session": "1", "service": "echo", "peer": "p"}


@pytest.mark.parametrize(
    "content",
    [
        OPEN | {"v": 2},
        OPEN | {"v": "1"},
        {key: value for key, value in OPEN.items() if key != "v"},
        OPEN | {"type": "opened"},
        OPEN | {"type": ["open"]},
        {key: value for key, value in OPEN.items() if key != "type"},
        {key: value for key, value in OPEN.items() if key != "peer"},
        OPEN | {"more": 1},
        OPEN | {"session": 1},
        OPEN | {"session": None},
        OPEN | {"peer": "x" * (jsep.MAX_TEXT + 1)},
        {"v": 1, "type": "offer", "session": "1", "sdp": "x" * (jsep.MAX_SDP + 1)},
        {"v": 1, "type": "candidates", "session": "1", "mid": "0", "candidates": "c"},
        {"v": 1, "type": "candidates", "session": "1", "mid": "0", "candidates": [1]},
        {"v": 1, "type": "candidates", "session": "1", "mid": "0", "candidates": ["c"] * 257},
        {"v": 1, "type": "candidates", "session": "1", "mid": "0", "end": 1},
        {"v": 1, "type": "prepare-offer", "session": "1"},
        {"v": 1, "type": "prepare-offer", "session": "1", "kinds": "audio"},
        {"v": 1, "type": "prepare-offer", "session": "1", "kinds": [["audio"]]},
        {"v": 1, "type": "prepare-offer", "session": "1", "kinds": ["audio"] * 257},
        {"v": 1, "type": "committed", "session": "1", "sdp": "v=0"},
        [],
        None,
        "open",
    ],
)
def test_what_is_not_understood_is_refused(content: Any) -> None:
    with pytest.raises(jsep.JsepError):
        jsep.FrameReader().feed(frame(content))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'{"v":NaN}']
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(jsep.JsepError):
        jsep.decode(body)


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(jsep.JsepError):
        jsep.decode(data)


def test_long_frames_are_refused_before_they_are_read() -> None:
    with pytest.raises(jsep.JsepError):
        jsep.FrameReader().feed((jsep.MAX_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(jsep.JsepError):
        jsep.decode(b" " * (jsep.MAX_FRAME + 1))


def test_long_messages_are_not_sent() -> None:
    with pytest.raises(jsep.JsepError):
        jsep.encode(jsep.OfferMessage(session="1", sdp="x" * (jsep.MAX_FRAME + 1)))


def test_candidates_survive() -> None:
    trickled = TrickledCandidates(
        mid="0",
        ufrag="abcd",
        candidates=(
            Candidate(
                component=1,
                foundation="1",
                generation=0,
                ip="fd00::1",
                port=5000,
                priority=1,
                protocol="udp",
                rel_addr="::",
                rel_port=9,
                type="srflx",
            ),
        ),
        end_of_candidates=True,
    )
    message = jsep.candidates_of("1", trickled)
    assert jsep.trickled_of(message) == trickled


def test_candidate_that_is_none_is_refused() -> None:
    with pytest.raises(jsep.JsepError):
        jsep.trickled_of(jsep.Candidates(session="1", mid="0", candidates=("candidate:x",)))
