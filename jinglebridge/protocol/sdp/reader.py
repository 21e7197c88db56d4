"""The reading loop: line after line into one section.

A line that is understood fills a field; any other ``a=`` line is kept as an
:class:`Attribute`, any other line whole. Only lines without which nothing makes sense (``v=``,
``m=``) are refused.
"""

import re
from collections.abc import Callable
from itertools import starmap
from typing import Any

from jinglebridge.errors import MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0167 import Bandwidth, Crypto, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import RemoteCandidate
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0339 import (
    Source,
    SourceParameter,
    source_group_of,
)
from jinglebridge.protocol.jingle.xep_0507 import Category
from jinglebridge.protocol.sdp import codecs, grammar
from jinglebridge.protocol.sdp.codecs import CodecLine
from jinglebridge.protocol.sdp.description import (
    Attribute,
    Direction,
    MediaDescription,
    Msid,
    Rid,
)
from jinglebridge.protocol.sdp.lines import (
    build_candidate,
    candidate_of,
    checked,
    is_sayable,
    number,
    words_of,
)
from jinglebridge.protocol.xml import parse_value

Parts = dict[str, str | None]

_MEDIA_LINE = re.compile(
    r"m=([A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,32}) (0|[1-9]\d{0,4}) (\S+)((?: \S+)+)", re.ASCII
)
BANDWIDTH = re.compile(r"b=([^\s:]+):(\S+)", re.ASCII)
DIRECTIONS = {direction.value: direction for direction in Direction}
MAX_LINES = 4096
_NOT_IN_SECTION = "vomst"
"""Types of lines that a section cannot have (RFC 8866 §5)."""
_PAYLOAD_TYPES = {str(identifier): PayloadType(id=identifier) for identifier in range(128)}
"""Those that nothing is said of, by their formats."""
_ONCE = ("rtpmap", "trr_int")
"""Lines that a payload type can have one of."""


class SectionReader:
    """Reads the lines of one m-section; ``finish`` gives the value.

    Args:
        index: the section's index, for errors.
        line_number: the number of the ``m=`` line.
        line: the ``m=`` line.
        is_checked: whether the characters of all lines have been looked at.
    """

    def __init__(
        self, index: int, line_number: int, line: str, *, is_checked: bool = False
    ) -> None:
        self._index: int | None = index
        self._is_checked = is_checked
        self._values: dict[str, Any] = {"connection": None}
        self._lists: dict[str, list[Any]] = {}
        self._payloads: dict[str, dict[str, list[CodecLine]]] = {}
        self._sources: dict[int, list[SourceParameter]] = {}
        self._lines = 0
        if line:
            self._read_media_line(line_number, line)

    def _error(self, reason: str, line_number: int, line: str) -> SdpError:
        return SdpError(reason, section=self._index, line=line_number, content=line)

    def _read_media_line(self, line_number: int, line: str) -> None:
        checked(line, section=self._index, line=line_number)
        match = _MEDIA_LINE.fullmatch(line)
        port = number(match.group(2), 65_535) if match else None
        if match is None or port is None:
            raise self._error("not a media line", line_number, line)
        formats = tuple(match.group(4).split(" ")[1:])
        self._values |= {"media": match.group(1), "port": port, "protocol": match.group(3)}
        if "RTP/" not in match.group(3):
            self._values["formats"] = formats
            return
        for text in formats:
            if text not in _PAYLOAD_TYPES or text in self._payloads:
                raise self._error("payload types are different numbers to 127", line_number, line)
            self._payloads[text] = {}

    def read(self, line_number: int, line: str) -> None:
        """Take one line.

        Args:
            line_number: its number, for errors.
            line: without line end.

        Raises:
            SdpError: it is no SDP line at all, or there are too many.
        """
        self._lines += 1
        if self._lines > MAX_LINES:
            raise self._error(f"more than {MAX_LINES} lines", line_number, line)
        if not self._is_checked:
            checked(line, section=self._index, line=line_number)
        if line.startswith("a="):
            self._read_attribute(line[2:])
        elif len(line) < 2 or line[1] != "=" or not line[0].isalpha():
            raise self._error("not of the form type=value", line_number, line)
        elif line.startswith("c=") and self._values["connection"] is None:
            self._values["connection"] = line[2:]
        elif match := BANDWIDTH.fullmatch(line):
            self._add("bandwidths", Bandwidth(type=match.group(1), value=match.group(2)))
        elif line[0] in _NOT_IN_SECTION:
            raise self._error("a line of the session in a section", line_number, line)
        else:
            self._add("other_lines", line)

    def _add(self, name: str, value: object) -> None:
        self._lists.setdefault(name, []).append(value)

    def _read_attribute(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if "\t" in text:
            is_understood = False  # it cannot stand in an XML attribute unchanged
        elif name in codecs.NAMES:
            line = codecs.read(text)
            is_understood = line is not None and self._take(line)
        else:
            is_understood = self._understand(name, text)
        if not is_understood:
            self._add("attributes", Attribute(name=name, value=value if colon else None))

    def _understand(self, name: str, text: str) -> bool:
        if text in DIRECTIONS:
            return self._once("direction", DIRECTIONS[text])
        handler = _HANDLERS.get(name)
        parts = grammar.read(name, text) if handler is not None else None
        return parts is not None and handler is not None and handler(self, parts, text)

    def keeps(self, item: Attribute) -> bool:
        """Read one more attribute: whether it was kept as it is, filling no field."""
        before = len(self._lists.get("attributes", ()))
        self._read_attribute(item.name if item.value is None else f"{item.name}:{item.value}")
        return len(self._lists.get("attributes", ())) > before

    def _once(self, field: str, value: object) -> bool:
        if value is None or field in self._values:
            return False
        self._values[field] = value
        return True

    def _flag(self, field: str) -> bool:
        return self._once(field, True)

    def _take(self, line: CodecLine) -> bool:
        """Put what a line says of a codec into its place, if there is one left."""
        payload = self._payloads.get(line.payload)
        if payload is not None:
            lines = payload.setdefault(line.field, [])
            if lines and line.field in _ONCE:
                return False
            lines.append(line)
            return True
        if line.field == "header_extensions" or (line.payload, line.field) == ("*", "rtcp_fb"):
            self._add(line.field, line.value)
            return True
        return (line.payload, line.field) == ("*", "trr_int") and self._once("trr_int", line.value)

    def _ssrc(self, parts: Parts, _: str) -> bool:
        ssrc = number(parts["ssrc"])
        if ssrc is None:
            return False
        parameter = SourceParameter(name=parts["attribute"] or "", value=parts["value"])
        self._sources.setdefault(ssrc, []).append(parameter)
        return True

    def _ssrc_group(self, parts: Parts, _: str) -> bool:
        ssrcs = [number(text) for text in words_of(parts["ssrcs"])]
        if any(ssrc is None for ssrc in ssrcs):
            return False
        known = tuple(ssrc for ssrc in ssrcs if ssrc is not None)
        self._add("source_groups", source_group_of(parts["semantics"] or "", known))
        return True

    def _candidate(self, parts: Parts, text: str) -> bool:
        try:
            candidate = candidate_of(parts)
        except SdpError:
            return False
        if build_candidate(candidate) != text or not is_sayable(candidate):
            return False
        self._add("candidates", candidate)
        return True

    def _content(self, parts: Parts, _: str) -> bool:
        names = (parts["values"] or "").split(",")
        try:
            categories = tuple(parse_value(Category, name=name) for name in names)
        except MalformedStanza:
            return False
        return self._once("categories", categories)

    def _crypto(self, parts: Parts, _: str) -> bool:
        self._add(
            "cryptos",
            Crypto(
                tag=parts["tag"] or "",
                suite=parts["suite"] or "",
                key_params=parts["key_params"] or "",
                session_params=parts["session_params"],
            ),
        )
        return True

    def _remote_candidates(self, parts: Parts, _: str) -> bool:
        words = (parts["triples"] or "").split(" ")
        triples = list(zip(words[::3], words[1::3], words[2::3], strict=True))
        try:
            chosen = tuple(
                parse_value(RemoteCandidate, component=component, ip=ip, port=port)
                for component, ip, port in triples
            )
        except MalformedStanza:
            return False
        return self._once("remote_candidates", chosen)

    def _fingerprint(self, parts: Parts, _: str) -> bool:
        value = Fingerprint(hash=parts["hash"] or "", value=parts["value"] or "")
        self._add("fingerprints", value)
        return True

    def _setup(self, parts: Parts, _: str) -> bool:
        return self._once("setup", Setup(parts["value"]))

    def _msid(self, parts: Parts, _: str) -> bool:
        self._add("msids", Msid(stream=parts["stream"] or "", track=parts["track"]))
        return True

    def _rid(self, parts: Parts, _: str) -> bool:
        rid = Rid(
            id=parts["id"] or "", direction=parts["direction"] or "", parameters=parts["parameters"]
        )
        self._add("rids", rid)
        return True

    def _options(self, parts: Parts, _: str) -> bool:
        return self._once("ice_options", words_of(parts["options"]))

    def finish(self) -> MediaDescription:
        """The section as a value."""
        lists = {name: tuple(found) for name, found in self._lists.items()}
        sources = tuple(
            Source(ssrc=ssrc, parameters=tuple(parameters))
            for ssrc, parameters in self._sources.items()
        )
        fmtp_texts = tuple(
            (int(identifier), line.text)
            for identifier, lines in self._payloads.items()
            for line in _unusual(lines.get("fmtp", []))
        )
        return MediaDescription(
            **{"media": "", "mid": f"{self._index}", **self._values, **lists},
            payload_types=tuple(starmap(_payload_type, self._payloads.items())),
            fmtp_texts=fmtp_texts,
            sources=sources,
        )


def _payload_type(identifier: str, lines: dict[str, list[CodecLine]]) -> PayloadType:
    if not lines:
        return _PAYLOAD_TYPES[identifier]
    name, clockrate, channels = lines["rtpmap"][0].value if "rtpmap" in lines else (None,) * 3
    return PayloadType(
        id=int(identifier),
        name=name,
        clockrate=clockrate,
        channels=channels,
        parameters=tuple([item for line in lines.get("fmtp", ()) for item in line.value]),
        rtcp_fb=tuple([line.value for line in lines.get("rtcp_fb", ())]),
        trr_int=lines["trr_int"][0].value if "trr_int" in lines else None,
    )


def _unusual(lines: list[CodecLine]) -> list[CodecLine]:
    """The lines of ``fmtp`` whose texts differ from the one line that their parameters make."""
    return [] if len(lines) == 1 and lines[0].is_usual else lines


def _number_into(field: str, largest: int) -> Callable[[SectionReader, Parts, str], bool]:
    return lambda reader, parts, _: reader._once(field, number(parts["value"], largest))


def _text_into(field: str) -> Callable[[SectionReader, Parts, str], bool]:
    return lambda reader, parts, _: reader._once(field, parts["value"])


def _flag_into(field: str) -> Callable[[SectionReader, Parts, str], bool]:
    return lambda reader, _parts, _: reader._flag(field)


_HANDLERS: dict[str, Callable[[SectionReader, Parts, str], bool]] = {
    "candidate": SectionReader._candidate,
    "content": SectionReader._content,
    "crypto": SectionReader._crypto,
    "remote-candidates": SectionReader._remote_candidates,
    "ice-options": SectionReader._options,
    "ice-ufrag": _text_into("ice_ufrag"),
    "ice-pwd": _text_into("ice_pwd"),
    "fingerprint": SectionReader._fingerprint,
    "setup": SectionReader._setup,
    "msid": SectionReader._msid,
    "ssrc": SectionReader._ssrc,
    "ssrc-group": SectionReader._ssrc_group,
    "rid": SectionReader._rid,
    "simulcast": _text_into("simulcast"),
    "mid": _text_into("mid"),
    "ptime": _number_into("ptime", 2**32 - 1),
    "maxptime": _number_into("maxptime", 2**32 - 1),
    "sctp-port": _number_into("sctp_port", 65_535),
    "max-message-size": _number_into("max_message_size", 2**32 - 1),
    "extmap-allow-mixed": _flag_into("extmap_allow_mixed"),
    "end-of-candidates": _flag_into("end_of_candidates"),
    "rtcp-mux": _flag_into("rtcp_mux"),
    "rtcp-rsize": _flag_into("rtcp_rsize"),
    "bundle-only": _flag_into("bundle_only"),
}
