"""The grammar of ``a=`` lines: sdp-transform's table, held more strictly.

sdp-transform's regular expressions are the base. A line counts as understood only when the whole
of it matches, and nothing is turned into a number here, so that a line is either read exactly or
kept as it stands. Rows that lose a part of a line, or do not exist, are replaced here; each with
its section of the standard.
"""

import re
from dataclasses import dataclass

from sdp_transform.grammar import grammar as _base

_NUMBER = r"(0|[1-9]\d{0,9})"
_ENCODING_NAME = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
_WORD = "[A-Za-z0-9-]{1,16}"
ADDRESS = "[0-9A-Za-z.:%_-]{1,255}"
"""Of a candidate: IPv4, IPv6 with its zone, or a name (XEP-0176 §5.3, RFC 8839 §5.1)."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of attribute line is read."""

    pattern: re.Pattern[str]
    """Matches the line without ``a=``."""
    names: tuple[str, ...]
    """What the groups are called."""

    def read(self, line: str) -> dict[str, str | None] | None:
        """The named parts of a line, or ``None`` when it is not of this form."""
        match = self.pattern.fullmatch(line)
        return None if match is None else dict(zip(self.names, match.groups(), strict=True))


def _row(pattern: str, *names: str) -> Row:
    return Row(re.compile(pattern, re.ASCII), names)


_REPLACED = {
    # RFC 8866 §6.6; an explicit "/1" differs from no channels
    "rtpmap": _row(
        rf"rtpmap:{_NUMBER} ({_ENCODING_NAME})/{_NUMBER}(?:/{_NUMBER})?",
        "payload",
        "codec",
        "rate",
        "channels",
    ),
    # RFC 8866 §6.15; the text is opaque
    "fmtp": _row(rf"fmtp:{_NUMBER} (\S.*)", "payload", "config"),
    # RFC 4585 §4.2: any number of words
    "rtcp-fb": _row(rf"rtcp-fb:(\*|{_NUMBER[1:-1]}) (\S+)((?: \S+)*)", "payload", "type", "words"),
    # RFC 8285 §5: attributes are free text
    "extmap": _row(
        rf"extmap:{_NUMBER}(?:/(sendrecv|sendonly|recvonly|inactive))? (\S+)(?: (.+))?",
        "id",
        "direction",
        "uri",
        "config",
    ),
    # RFC 8839 §5.1: foundation, component … and any pairs
    "candidate": _row(
        rf"candidate:([A-Za-z0-9+/]{{1,32}}) {_NUMBER} ({_WORD}) {_NUMBER} ({ADDRESS}) {_NUMBER} "
        rf"typ ({_WORD})((?: \S+ \S+)*)",
        "foundation",
        "component",
        "protocol",
        "priority",
        "ip",
        "port",
        "type",
        "pairs",
    ),
    # RFC 8839 §5.6: several options
    "ice-options": _row(r"ice-options:(\S+(?: \S+)*)", "options"),
    "ice-ufrag": _row(r"ice-ufrag:([A-Za-z0-9+/]{4,256})", "value"),
    "ice-pwd": _row(r"ice-pwd:([A-Za-z0-9+/]{22,256})", "value"),
    # RFC 8122 §5
    "fingerprint": _row(
        r"fingerprint:(\S+) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,127})", "hash", "value"
    ),
    "setup": _row(r"setup:(active|passive|actpass|holdconn)", "value"),
    # RFC 8830 §2: a track is optional
    "msid": _row(r"msid:(\S+)(?: (\S+))?", "stream", "track"),
    # RFC 5576 §4.1: the attribute may have no value
    "ssrc": _row(rf"ssrc:{_NUMBER} ([^\s:]+)(?::(.*))?", "ssrc", "attribute", "value"),
    "ssrc-group": _row(rf"ssrc-group:(\S+)((?: (?:{_NUMBER[1:-1]}))*)", "semantics", "ssrcs"),
    # RFC 5888 §5: a group may have no member
    "group": _row(r"group:(\S+)((?: \S+)*)", "semantics", "mids"),
    # RFC 8851 §10
    "rid": _row(r"rid:([A-Za-z0-9_-]+) (send|recv)(?: (\S.*))?", "id", "direction", "parameters"),
    "simulcast": _row(r"simulcast:(\S.*)", "value"),
    # RFC 4796 §5
    "content": _row(r"content:([^\s,]+(?:,[^\s,]+)*)", "values"),
    # RFC 4568 §9.1
    "crypto": _row(
        r"crypto:(\S+) (\S+) (\S+)(?: (\S.*))?", "tag", "suite", "key_params", "session_params"
    ),
    # RFC 8839 §5.2: component, address and port, again and again
    "remote-candidates": _row(r"remote-candidates:((?:\S+ \S+ \S+)(?: \S+ \S+ \S+)*)", "triples"),
    "mid": _row(r"mid:(\S+)", "value"),
    "ptime": _row(rf"ptime:{_NUMBER}", "value"),
    "maxptime": _row(rf"maxptime:{_NUMBER}", "value"),
    "sctp-port": _row(rf"sctp-port:{_NUMBER}", "value"),
    "max-message-size": _row(rf"max-message-size:{_NUMBER}", "value"),
}

_TAKEN_OVER = (
    "extmap-allow-mixed",
    "ice-lite",
    "end-of-candidates",
    "rtcp-mux",
    "rtcp-rsize",
    "bundle-only",
)


def _from_base(key: str) -> Row:
    for row in _base["a"]:
        pattern = re.compile(row["reg"])
        match = pattern.match(key)
        # the last row of the table matches everything
        if match is not None and match.group(0) == key and pattern.match("") is None:
            return Row(pattern, (key,))
    raise LookupError(f"sdp-transform's grammar has no row for {key}")


ROWS: dict[str, Row] = {key: _from_base(key) for key in _TAKEN_OVER} | _REPLACED
"""Rows by the attribute's name."""


def read(name: str, line: str) -> dict[str, str | None] | None:
    """The named parts of an attribute line.

    Args:
        name: the attribute's name, ``rtpmap`` for example.
        line: the line without ``a=``.

    Returns:
        The parts as text, or ``None`` when the line is unknown or not exactly of its form.
    """
    row = ROWS.get(name)
    return None if row is None else row.read(line)
