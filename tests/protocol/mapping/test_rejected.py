import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import Encoding, RejectedSection, Residue
from jinglebridge.protocol.mapping.rejected import pack, unpack
from jinglebridge.protocol.sdp.description import SectionDefaults
from jinglebridge.protocol.sdp.text import loads_section
from jinglebridge.protocol.sdp.writer import write_section

NOTHING = SectionDefaults()
HEAD = ("m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1")
CODEC = "a=rtpmap:96 VP8/90000"


def deflated(data: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(data) + packer.flush()).decode()


def kept(element: RejectedSection) -> dict[int, list[str]]:
    sections = unpack(Residue(sections=(element,)))
    return {index: list(write_section(section)) for index, section in sections.items()}


def of(text: str, encoding: Encoding | None = Encoding.DEFLATE) -> RejectedSection:
    return RejectedSection(index=3, encoding=encoding, text=text)


def test_few_lines_are_left_readable() -> None:
    packed = pack(3, loads_section((*HEAD, CODEC)), NOTHING)
    assert packed == RejectedSection(index=3, text="\n".join((*HEAD, CODEC)))
    assert kept(packed) == {3: [*HEAD, CODEC]}


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Cn"])), max_size=40
    )
)
def test_many_lines_are_deflated_and_come_back(values: list[str]) -> None:
    said = [f"a=x:{value}" for value in values if "\u2028" not in value and "\u2029" not in value]
    lines = [*HEAD, *said]
    packed = pack(3, loads_section(tuple(lines)), NOTHING)
    assert kept(packed) == {3: lines}
    assert (packed.encoding is Encoding.DEFLATE) == (len("\n".join(lines)) > 256)


def test_what_stands_at_session_level_is_not_repeated() -> None:
    section = loads_section((*HEAD, "a=setup:actpass"))
    defaults = SectionDefaults(setup=section.setup)
    assert "setup" in pack(0, section, defaults).text


def test_nothing_is_kept_without_a_residue() -> None:
    assert unpack(None) == {}


def test_a_live_section_needs_a_content() -> None:
    assert kept(of("\n".join(("m=video 9 RTP/AVP 96", *HEAD[1:])), None)) == {}


def test_carried_xml_is_not_taken_from_a_peer() -> None:
    assert kept(of("\n".join((*HEAD, "a=x-jingle:PGEvPg==", "a=x:1")), None)) == {
        3: [*HEAD, "a=x:1"]
    }


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "AAAA",
        base64.b64encode(b"plain").decode(),
        deflated(b"m=video 0 RTP/AVP 96")[:8],
        deflated(b"\xff\xfe"),
        deflated(b"m=video 0 RTP/AVP 96\n" + b"a=x\n" * 70_000),
    ],
    ids=["alphabet", "empty", "plain", "cut", "no-utf-8", "bomb"],
)
def test_what_cannot_be_unpacked_is_refused_by_its_section(text: str) -> None:
    with pytest.raises(SdpError, match="section 3"):
        kept(of(text))


def test_all_sections_together_are_no_longer_than_a_description() -> None:
    lines = b"".join(b"a=x:%090d\n" % number for number in range(1_000))
    element = of(deflated(b"m=video 0 RTP/AVP 96\na=mid:1\n" + lines))
    assert len(unpack(Residue(sections=(element,) * 2))) == 1
    with pytest.raises(SdpError, match="section 3: a kept section is too long"):
        unpack(Residue(sections=(element,) * 3))
    plain = of("m=video 0 RTP/AVP 96\n" + "a=x:1\n" * 4000 + "a=y:" + "y" * 240_000, None)
    with pytest.raises(SdpError, match="section 3: a kept section is too long"):
        unpack(Residue(sections=(plain, element)))


def test_one_section_may_be_most_of_a_description() -> None:
    section = loads_section((*HEAD, *(f"a=x:{number:0100}" for number in range(1_000))))
    assert kept(pack(3, section, NOTHING)) == {3: list(write_section(section))}


def test_a_section_without_lines_is_none() -> None:
    assert kept(of(deflated(b"\n"))) == {}


@pytest.mark.parametrize("text", ["a=x", "m=video", deflated(b"\n")])
def test_what_is_no_section_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        kept(of(text, None))
