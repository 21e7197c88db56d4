"""The reading loop for what stands before the first ``m=``."""

import re
from dataclasses import fields
from typing import Any

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.xep_0167 import Bandwidth
from jinglebridge.protocol.jingle.xep_0338 import Group, group_of
from jinglebridge.protocol.sdp import grammar
from jinglebridge.protocol.sdp.description import Attribute, Origin, SectionDefaults
from jinglebridge.protocol.sdp.lines import checked, words_of
from jinglebridge.protocol.sdp.reader import BANDWIDTH, DIRECTIONS, MAX_LINES, SectionReader

_ORIGIN = re.compile(r"o=(\S+) (\S+) (\S+) (\S+ \S+ \S+)", re.ASCII)
_INHERITABLE = ("fingerprint", "setup", "ice-ufrag", "ice-pwd", "ice-options", *DIRECTIONS)


class SessionReader:
    """Reads the lines before the first ``m=``; ``finish`` gives the description's values.

    What holds for every section comes out of ``defaults``.
    """

    def __init__(self) -> None:
        self._shared = SectionReader(0, 0, "")
        self._values: dict[str, Any] = {}
        self._groups: list[Group] = []
        self._attributes: list[Attribute] = []
        self._other: list[str] = []
        self._bandwidths: list[Bandwidth] = []
        self._lines = 0

    def read(self, line_number: int, line: str) -> None:
        """Take one line.

        Raises:
            SdpError: it is no SDP line, or the first one is not ``v=0``.
        """
        self._lines += 1
        if (self._lines == 1) != (line == "v=0"):
            raise SdpError("a description begins with v=0", line=line_number, content=line)
        if line == "v=0":
            return
        if self._lines > MAX_LINES or len(line) < 2 or line[1] != "=" or not line[0].isalpha():
            raise SdpError("not of the form type=value", line=line_number, content=line)
        checked(line, line=line_number)
        if line.startswith("a="):
            self._read_attribute(line_number, line)
        elif "origin" not in self._values and (match := _ORIGIN.fullmatch(line)):
            self._values["origin"] = Origin(
                username=match.group(1),
                session_id=match.group(2),
                version=match.group(3),
                address=match.group(4),
            )
        elif match := BANDWIDTH.fullmatch(line):
            self._bandwidths.append(Bandwidth(type=match.group(1), value=match.group(2)))
        elif line[0] in "stc" and line[0] not in self._values:
            self._values[line[0]] = line[2:]
        elif line[0] in "vosm":
            raise SdpError("not here, or not of this form", line=line_number, content=line)
        else:
            self._other.append(line)

    def _read_attribute(self, line_number: int, line: str) -> None:
        text = line[2:]
        name, colon, value = text.partition(":")
        if name in _INHERITABLE and (name in DIRECTIONS or grammar.read(name, text)):
            self._shared.read(line_number, line)
        elif name == "group" and (parts := grammar.read(name, text)):
            mids = words_of(parts["mids"])
            self._groups.append(group_of(parts["semantics"] or "", mids))
        elif text == "extmap-allow-mixed":
            self._values["extmap_allow_mixed"] = True
        elif text == "ice-lite":
            self._values["ice_lite"] = True
        else:
            self._attributes.append(Attribute(name=name, value=value if colon else None))

    def finish(self) -> dict[str, Any]:
        """The values of a description, its sections left out."""
        if not self._lines:
            raise SdpError("the description is empty")
        renamed = {"s": "name", "t": "timing", "c": "connection"}
        values = {renamed.get(name, name): value for name, value in self._values.items()}
        return {
            **values,
            "groups": tuple(self._groups),
            "attributes": (*self._attributes, *self._shared.finish().attributes),
            "other_lines": tuple(self._other),
            "bandwidths": tuple(self._bandwidths),
        }

    def defaults(self) -> SectionDefaults:
        """What holds for every section."""
        shared = self._shared.finish()
        return SectionDefaults(
            **{item.name: getattr(shared, item.name) for item in fields(SectionDefaults)}
        )
