import pytest
from aiortc.rtp import RtpPacket, unpack_header_extensions
from hypothesis import given, settings
from hypothesis import strategies as st

from jinglebridge.media.rtp.packet import HeaderReader, add_element, read_header
from tests.media.rtp.harness import Packet, rtp

elements_one = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=6
)
elements_two = st.lists(
    st.tuples(st.integers(1, 255), st.binary(min_size=0, max_size=40)), max_size=6
)


@settings(deadline=None, max_examples=60)
@given(elements_one, st.lists(st.integers(0, 0xFFFFFFFF), max_size=15))
def test_finds_what_aiortc_finds(extensions: list[tuple[int, bytes]], csrcs: list[int]) -> None:
    data = rtp(7, extensions=extensions, csrcs=csrcs)
    header = read_header(data)
    assert header is not None
    found = [(item.id, data[item.at : item.at + item.length]) for item in header.elements]
    assert found == extensions
    assert data[header.payload_at :] == RtpPacket.parse(data).payload
    assert header.extended == bool(extensions)


@settings(deadline=None, max_examples=60)
@given(elements_two)
def test_reads_the_two_byte_form(extensions: list[tuple[int, bytes]]) -> None:
    data = rtp(7, extensions=extensions, two_byte=True)
    header = read_header(data)
    assert header is not None
    assert [(item.id, data[item.at : item.at + item.length]) for item in header.elements] == (
        extensions
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(rtp(1, payload=b"")[:11], id="short"),
        pytest.param(b"\x40" + rtp(1)[1:], id="version 1"),
        pytest.param(rtp(1, csrcs=(1, 2), payload=b"")[:-1], id="CSRC truncated"),
        pytest.param(rtp(1, extensions=((1, b"a"),), payload=b"")[:14], id="no words"),
        pytest.param(rtp(1, extensions=((1, b"a"),), payload=b"")[:-1], id="block truncated"),
        pytest.param(
            rtp(1, extensions=((1, b"abc"),)).replace(b"\x12abc", b"\x14abc"), id="one-byte value"
        ),
        pytest.param(
            rtp(1, extensions=((1, b"ab"),), two_byte=True).replace(b"\1\2ab", b"\1\3ab"),
            id="two-byte value",
        ),
        pytest.param(
            rtp(1, extensions=((1, b"a"),), two_byte=True).replace(b"\1\1a\0", b"\0\0\0\1"),
            id="two-byte length",
        ),
    ],
)
def test_refuses_what_is_malformed(data: bytes) -> None:
    assert read_header(data) is None


def test_leaves_other_extensions_alone() -> None:
    data = rtp(1, extensions=((1, b"abc"),)).replace(b"\xbe\xde", b"\xca\xfe")
    header = read_header(data)
    assert header is not None
    assert header.elements == ()
    assert data[header.payload_at :] == b"payload 1"
    packet = bytearray(data)
    assert add_element(packet, header, 4, b"1") == 0
    assert packet == data


def test_stops_at_id_15() -> None:
    data = rtp(1, extensions=((1, b"a"), (15, b"b"), (2, b"c")))
    header = read_header(data)
    assert header is not None
    assert [item.id for item in header.elements] == [1]


def test_skips_padding_between_elements() -> None:
    data = rtp(1, extensions=((1, b"a"), (2, b"b"), (3, b"c"))).replace(b"\x20b", b"\0\0")
    header = read_header(data)
    assert header is not None
    assert [item.id for item in header.elements] == [1, 3]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(elements_one, st.booleans()), min_size=1, max_size=12))
def test_a_remembered_layout_is_the_one_read_afresh(
    packets: list[tuple[list[tuple[int, bytes]], bool]],
) -> None:
    reader = HeaderReader(3)
    for extensions, padded in packets * 2:
        data = rtp(5, extensions=extensions, padding=4 if padded else 0)
        header, fresh = reader.read(data), read_header(data)
        assert header is not None
        assert fresh is not None
        assert header.elements == fresh.elements
        assert (header.padded, header.payload_at) == (padded, fresh.payload_at)


def test_layouts_are_shared_and_their_number_is_bounded() -> None:
    reader = HeaderReader()
    first = reader.read(rtp(1, extensions=((1, b"a"),)))
    assert reader.read(rtp(2, extensions=((1, b"b"),))) is first
    for identifier in range(2, 14):
        reader.read(rtp(3, extensions=((identifier, b"a"),)))
    assert reader.read(rtp(4, extensions=((1, b"a"),))) is not first
    assert reader.read(rtp(4)[:12].replace(b"\x80", b"\x8f")) is None


def test_a_transport_sequence_number_of_another_size_is_none() -> None:
    reader = HeaderReader(3)
    header = reader.read(rtp(1, extensions=((3, b"\1\2"),)))
    assert header is not None
    assert header.transport_cc_at == 17
    header = reader.read(rtp(1, extensions=((3, b"\1\2\3"),)))
    assert header is not None
    assert header.transport_cc_at == 0


@pytest.mark.parametrize(
    ("extensions", "two_byte", "identifier", "value"),
    [
        ((), False, 4, b"mid"),
        ((), False, 15, b"mid"),
        ((), False, 4, b"a mid longer than 16"),
        (((1, b"x"),), False, 4, b"mid"),
        (((1, b"x"), (15, b"end")), False, 4, b"mid"),
        (((1, b"x"),), True, 200, b"m"),
    ],
)
def test_adds_an_element(
    extensions: tuple[tuple[int, bytes], ...], two_byte: bool, identifier: int, value: bytes
) -> None:
    data = rtp(1, extensions=extensions, two_byte=two_byte, csrcs=(5,))
    header = read_header(data)
    assert header is not None
    packet = bytearray(data)
    grown = add_element(packet, header, identifier, value)
    assert len(packet) == len(data) + grown
    sent = Packet(bytes(packet))
    assert sent.payload == b"payload 1"
    expected = dict(item for item in extensions if two_byte or item[0] != 15)
    assert sent.extensions == expected | {identifier: value}
    parsed = RtpPacket.parse(bytes(packet))
    assert parsed.csrc == [5]
    assert parsed.payload == b"payload 1"


@pytest.mark.parametrize(("identifier", "value"), [(15, b"mid"), (4, b""), (4, bytes(17))])
def test_adds_nothing_that_the_form_cannot_hold(identifier: int, value: bytes) -> None:
    data = rtp(1, extensions=((1, b"x"),))
    header = read_header(data)
    assert header is not None
    packet = bytearray(data)
    assert add_element(packet, header, identifier, value) == 0
    assert packet == data


def test_padding_of_zero_octets_is_nonsense() -> None:
    data = rtp(1, padding=4)
    header = read_header(data)
    assert header is not None
    assert header.payload_end(data) == len(data) - 4
    assert header.payload_end(data[:-1] + b"\0") < header.payload_at
    assert read_header(rtp(1)).payload_end(rtp(1)) == len(rtp(1))  # type: ignore[union-attr]


def test_the_harness_writes_what_aiortc_reads() -> None:
    data = rtp(1, extensions=((1, b"a"), (2, b"bc")))
    assert unpack_header_extensions(0xBEDE, data[16:24]) == [(1, b"a"), (2, b"bc")]
