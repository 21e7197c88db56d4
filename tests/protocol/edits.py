"""Edits of standard elements and of residues, and whether a description follows them.

The oracle is the same edit without any residue: for each value that standard elements say, the
description made with the residue has what the one made without it has.
"""

from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from hypothesis import strategies as st

from jinglebridge.convert import Role, jingle_to_sdp, sdp_to_jingle
from jinglebridge.errors import JinglebridgeError
from jinglebridge.protocol.sdp.description import (
    Direction,
    MediaDescription,
    SessionDescription,
)
from jinglebridge.protocol.sdp.lines import build_fmtp
from jinglebridge.protocol.sdp.text import inherit, loads_offer
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, text_of

RESIDUE = "{urn:jinglebridge:sdp:0}residue"

RICH = text_of(
    *HEAD,
    *("a=group:BUNDLE 0 1 2", "a=extmap-allow-mixed", "a=ice-options:trickle", "a=x-session:1"),
    *("a=fingerprint:sha-256 AB:CD", "a=sendonly", "a=setup:actpass"),
    *AUDIO,
    *("b=AS:64", "a=ice-ufrag:abcd", "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa", "a=sendonly"),
    "a=candidate:1 1 UDP 1 10.0.0.1 9 typ srflx raddr 10.0.0.2 rport 5 network-id 1 ufrag abcd",
    "a=candidate:2 1 tcp 2 10.0.0.1 9 typ host tcptype active generation 1",
    *("a=end-of-candidates", "a=extmap:1/inactive urn:x vad=on  b", "a=extmap:2/sendonly urn:y"),
    *("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10; useinbandfec=1", "a=fmtp:0 0-15"),
    *("a=rtcp-fb:111 ccm tmmbr smaxpr=120", "a=rtcp-fb:111 trr-int 100", "a=rtcp-fb:* nack pli"),
    *("a=rtcp-mux", "a=rtcp-rsize", "a=ptime:20", "a=maxptime:60", "a=msid:- track"),
    *("a=rtcp:9 IN IP4 0.0.0.0", "a=tls-id:abc", "a=fmtp:120 x=1", "a=ptime:x"),
    *VIDEO,
    *("a=ice-ufrag:efgh", "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb", "a=recvonly", "a=content:slides"),
    *("a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rid:1 send pt=96", "a=simulcast:send 1"),
    *("a=ssrc:1 cname:x", "a=ssrc:2 cname:x", "a=ssrc-group:FID 1 2", "a=extmap-allow-mixed"),
    *("a=remote-candidates:1 192.0.2.3 9", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc"),
    "m=video 0 UDP/TLS/RTP/SAVPF 97",
    *("c=IN IP4 0.0.0.0", "a=mid:gone", "a=rtpmap:97 VP9/90000"),
    *DATA,
    *("a=ice-ufrag:ijkl", "a=ice-pwd:cccccccccccccccccccccccc", "a=sctp-port:5000"),
    "a=max-message-size:262144",
)
CRAFTED = (
    # everything that a standard element says, said otherwise; our own words; nonsense
    *("a=fingerprint:sha-256 EE:EE", "a=setup:passive", "a=setup:active", "a=inactive"),
    *("a=sendrecv", "a=mid:evil", "a=mid:0", "a=ice-ufrag:evil", "a=ice-pwd:" + "e" * 24),
    *("a=candidate:9 1 udp 9 192.0.2.66 9 typ host", "a=end-of-candidates", "b=AS:9"),
    *("a=rtpmap:111 evil/8000", "a=rtpmap:0 evil/8000", "a=rtpmap:96 evil/8000"),
    *("a=fmtp:111 evil=1", "a=fmtp:96 evil=1", "a=rtcp-fb:111 evil", "a=rtcp-fb:* evil"),
    *("a=rtcp-fb:* trr-int 9", "a=ptime:9", "a=maxptime:9", "a=extmap:9 urn:evil"),
    *("a=extmap:1 urn:x", "a=extmap:2/inactive urn:y", "a=extmap-allow-mixed", "a=rtcp-mux"),
    *("a=ssrc:1 cname:evil", "a=ssrc:9 cname:evil", "a=ssrc-group:FID 9 1", "a=content:evil"),
    *("a=crypto:9 EVIL inline:x", "a=remote-candidates:1 192.0.2.66 9", "a=sctp-port:9"),
    *("m=video 0 UDP/TLS/RTP/SAVPF 96", "m=audio 1 RTP/AVP 0", "m=application 9 DTLS/SCTP 9"),
    *("~session ice_ufrag ice_pwd fingerprints setup direction", "~session direction nonsense"),
    *("~section ice_ufrag ice_pwd fingerprints setup direction", "~unknown word"),
    *("~c c1 generation 7", "~c nobody x y", "a=group:BUNDLE evil 0"),
    *("a=x-jingle:PGEvPg==", "a=bundle-only", "a=msid:evil evil", "a=ice-options:evil"),
)


def rooted(sdp: str, role: Role = "initiator") -> ET.Element:
    return ET.fromstring(sdp_to_jingle(sdp, role=role, sid="sid1"))


def text(root: ET.Element) -> str:
    return ET.tostring(root, "unicode")


def bare(root: ET.Element) -> ET.Element:
    """A copy without any residue."""
    copy = ET.fromstring(text(root))
    for parent in list(copy.iter()):
        for residue in parent.findall(RESIDUE):
            parent.remove(residue)
    return copy


def outcome(root: ET.Element, role: Role = "initiator") -> SessionDescription | None:
    try:
        return loads_offer(jingle_to_sdp(text(root), role=role))
    except JinglebridgeError:
        return None


def facts(description: SessionDescription) -> dict[str, object]:
    """Everything that standard elements say, by mid; how it is spelled left out."""
    live = [item for item in description.media if not item.is_rejected]
    groups = [(group.semantics, group.names) for group in description.groups]
    return {
        "order": tuple(item.mid for item in live),
        "groups": groups,
        **{item.mid: _facts(inherit(item, description.defaults), description) for item in live},
    }


def _facts(section: MediaDescription, description: SessionDescription) -> dict[str, object]:
    names = (
        *("media", "is_rtp", "direction", "ice_ufrag", "ice_pwd", "fingerprints", "setup"),
        *("end_of_candidates", "remote_candidates", "bandwidths", "ptime", "maxptime", "trr_int"),
        *("rtcp_fb", "rtcp_mux", "sources", "source_groups", "categories", "cryptos", "sctp_port"),
    )
    said = {name: getattr(section, name) for name in names}
    if not section.is_rtp:
        # XEP-0343 has no elements for these
        said = {name: said[name] for name in names if name not in _RTP_ONLY}
    elif not section.fingerprints:
        said.pop("setup")
    said["sctp_port"] = None if section.is_rtp else section.sctp_port
    mixed = section.extmap_allow_mixed or description.extmap_allow_mixed
    return said | {
        "mixed": section.is_rtp and mixed,
        "codecs": tuple(
            (
                *(item.id, item.name, item.clockrate, item.channels, item.rtcp_fb, item.trr_int),
                build_fmtp(item.parameters),
            )
            for item in section.payload_types
        ),
        "candidates": tuple(
            (
                *(item.foundation, item.component, item.protocol.lower(), item.priority, item.ip),
                *(item.port, item.type, item.rel_addr, item.rel_port, item.tcptype),
                item.generation or 0,
            )
            for item in section.candidates
        ),
        "extensions": tuple(
            (
                *(item.id, item.uri, tuple((item.config or "").split())),
                # XEP-0294 has no word for it
                None if item.direction is Direction.INACTIVE else item.direction,
            )
            for item in section.header_extensions
            if section.is_rtp
        ),
        **{name: _stray(section, name) for name in ("fmtp", "rtpmap", "rtcp-fb")},
    }


_RTP_ONLY = frozenset(
    (
        *("bandwidths", "ptime", "maxptime", "trr_int", "rtcp_fb", "rtcp_mux", "sources"),
        *("source_groups", "categories", "cryptos"),
    )
)


def _stray(section: MediaDescription, name: str) -> tuple[str, ...]:
    """Attributes that a second reader could take for an offered codec's."""
    offered = {str(item.id) for item in section.payload_types} | {"*"}
    return tuple(
        item.value or ""
        for item in section.attributes
        if item.name == name and (item.value or "").split(" ")[0] in offered
    )


def assert_followed(root: ET.Element, role: Role = "initiator") -> bool:
    plain, full = outcome(bare(root), role), outcome(root, role)
    if plain is None or full is None:
        assert full is None, "the residue revives what its elements do not make"
        return False
    assert facts(full) == facts(plain)
    return True


# ---- edits ---------------------------------------------------------------------------------------

VALUES = st.sampled_from(
    [
        *("0", "1", "2", "7", "96", "97", "111", "127", "5000", "65535", "4294967295", "a", "abcd"),
        *("EDITED", "edited.local", "x" * 24, "AB:CD", "EE:FF", "sha-256", "sha-1", "active"),
        *("passive", "actpass", "holdconn", "both", "initiator", "responder", "none", "audio"),
        *("video", "application", "udp", "tcp", "host", "relay", "nack", "pli", "trr-int", "*"),
        *("urn:x", "urn:y", "urn:edited", "cname", "msid", "FID", "SIM", "BUNDLE", "LS", "opus"),
        *("gone", "m0", "a b", "", "10.0.0.1", "fe80::1", "webrtc-datachannel", "useinbandfec"),
    ]
)


@st.composite
def edit(draw: st.DrawFn, root: ET.Element) -> None:
    """Change, remove, repeat or move one standard attribute or element."""
    items = [
        (parent, item)
        for parent in root.iter()
        for item in parent
        if RESIDUE not in (parent.tag, item.tag)
    ]
    if not items:
        return
    parent, item = draw(st.sampled_from(items))
    names = sorted(item.attrib)
    match draw(st.sampled_from(["set", "drop", "remove", "repeat", "move", "swap", "text"])):
        case "set" if names:
            item.set(draw(st.sampled_from(names)), draw(VALUES))
        case "drop" if names:
            del item.attrib[draw(st.sampled_from(names))]
        case "remove":
            parent.remove(item)
        case "repeat":
            parent.append(ET.fromstring(text(item)))
        case "move":
            parent.remove(item)
            parent.insert(draw(st.integers(0, len(parent))), item)
        case "swap" if len(names) > 1:
            first, second = draw(st.sampled_from(names)), draw(st.sampled_from(names))
            item.attrib[first], item.attrib[second] = item.attrib[second], item.attrib[first]
        case "text" if item.text and item.text.strip():
            item.text = draw(VALUES)


@st.composite
def residues(draw: st.DrawFn, root: ET.Element) -> None:
    """Lines of all kinds in any residue, ids of candidates included, in any order."""
    ids = [item.get("id", "") for item in root.iter() if item.tag.endswith("}candidate")]
    words = st.sampled_from(
        ["generation 3", "generation -", "protocol UDP", "protocol evil", "x y"]
    )
    lines = st.sampled_from(CRAFTED)
    if ids:
        lines |= st.builds("~c {} {}".format, st.sampled_from(ids), words)
    for parent in [root, *root.findall("{urn:xmpp:jingle:1}content")]:
        added = draw(st.lists(lines, max_size=3))
        found = parent.find(RESIDUE)
        if not added:
            continue
        if found is None:
            found = ET.SubElement(parent, RESIDUE)
        old = (found.text or "").split("\n")
        found.text = "\n".join(draw(st.permutations([*added, *old])))


# ---- every attribute and element, one by one -----------------------------------------------------


def single_edits(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    """Each attribute removed and changed, each element removed and repeated, in two places."""
    whole = text(root)
    seen: Counter[str] = Counter()
    count = sum(1 for _ in root.iter())
    for index in range(count):
        item = list(root.iter())[index]
        if RESIDUE in item.tag or "section" in item.tag:
            continue
        kind = item.tag.rpartition("}")[2]
        for what in ("remove", "repeat", *sorted(item.attrib)):
            seen[f"{kind} {what}"] += 1
            if seen[f"{kind} {what}"] > 2:
                continue
            for value in (None, "1", "edited", "inactive", "x" * 24):
                copy = ET.fromstring(whole)
                target = list(copy.iter())[index]
                parents = {child: parent for parent in copy.iter() for child in parent}
                if what == "remove" and target in parents and value is None:
                    parents[target].remove(target)
                elif what == "repeat" and target in parents and value is None:
                    parents[target].append(ET.fromstring(text(target)))
                elif what in target.attrib and value is None:
                    del target.attrib[what]
                elif what in target.attrib:
                    target.set(what, value or "")
                else:
                    continue
                yield f"{kind} {what} {value}", copy
