"""Whatever a value holds, it stays on its line."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum

import pytest

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.xep_0167 import Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0339 import source_group_of
from jinglebridge.protocol.sdp.description import MediaDescription, Offer
from jinglebridge.protocol.sdp.text import dumps, loads_offer, loads_section
from jinglebridge.protocol.sdp.writer import write_section
from tests.protocol.helpers import AUDIO, offered
from tests.protocol.test_hostile import FULL

OFFER = offered(
    *FULL[:7],
    "u=x",
    "b=CT:1",
    "c=IN IP4 192.0.2.1",
    "a=ice-ufrag:sess",
    "a=ice-options:trickle",
    *FULL[7:31],
    "i=title",
    "a=rid:1 send pt=0",
    "a=simulcast:send 1",
    "a=unknown:x",
    "a=fmtp:0 a=1; b=2",
    *FULL[31:],
)


def strings(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Where in a value the texts are."""
    if isinstance(value, Enum):
        return []
    if isinstance(value, str):
        return [path]
    if is_dataclass(value):
        return [
            found
            for field in fields(value)
            for found in strings(getattr(value, field.name), (*path, field.name))
        ]
    if isinstance(value, tuple):
        return [
            found for index, item in enumerate(value) for found in strings(item, (*path, index))
        ]
    return []


def with_string(value: object, path: tuple[object, ...], text: str) -> object:
    """The same value with another text there."""
    if not path:
        return text
    step, *rest = path
    if isinstance(step, int):
        changed = with_string(value[step], tuple(rest), text)
        return (*value[:step], changed, *value[step + 1 :])
    return replace(value, **{step: with_string(getattr(value, step), tuple(rest), text)})


PLACES = strings(OFFER)


def test_there_are_many_places() -> None:
    assert len(PLACES) > 70
    assert loads_offer(dumps(OFFER)) == OFFER


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_no_text_of_the_model_makes_a_line(path: tuple[object, ...]) -> None:
    count = len(dumps(OFFER).splitlines())
    for end in ("\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"):
        bad = with_string(OFFER, path, f"x{end}a=injected:1")
        try:
            written = dumps(bad)
        except SdpError:
            continue
        # a text that is not written: ours wins where the standard value differs
        assert "injected" not in written
        assert abs(len(written.splitlines()) - count) <= 1


@pytest.mark.parametrize("line", ["v=0", "o=x", "m=x", "a=x", "s=x", "x", "", "=", "xx"])
def test_lines_of_other_types_are_of_other_types(line: str) -> None:
    with pytest.raises(SdpError):
        dumps(Offer(other_lines=(line,)))
    with pytest.raises(SdpError, match="section 0"):
        dumps(Offer(media=(MediaDescription(mid="0", media="audio", other_lines=(line,)),)))


def test_a_changed_parameter_wins_over_the_text_that_stood() -> None:
    section = loads_section((*AUDIO, "a=fmtp:111 a=1; b=2"))
    assert "a=fmtp:111 a=1; b=2" in write_section(section)
    edited = replace(
        section,
        payload_types=(PayloadType(id=111, parameters=(Parameter(name="a", value="3"),)),),
    )
    lines = [line for line in write_section(edited) if "fmtp" in line]
    assert lines == ["a=fmtp:111 a=3"]
    without = replace(section, payload_types=(PayloadType(id=111),))
    assert not any("fmtp" in line for line in write_section(without))


def test_values_without_a_part() -> None:
    section = MediaDescription(
        mid="0",
        media="audio",
        connection=None,
        source_groups=(source_group_of("FID", ()),),
    )
    assert list(write_section(section)) == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        "a=mid:0",
        "a=ssrc-group:FID",
    ]
