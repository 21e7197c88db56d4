"""Every recorded description through Jingle text and back, as the public functions convert it."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinglebridge.convert import Role, jingle_to_sdp, sdp_to_jingle
from jinglebridge.protocol.sdp.text import loads_offer
from tests.protocol.edits import (
    CRAFTED,
    RESIDUE,
    RICH,
    assert_followed,
    edit,
    facts,
    outcome,
    residues,
    rooted,
    single_edits,
)
from tests.protocol.helpers import SDP_FILES, VECTORS, name_of, read

ROLES: tuple[Role, ...] = get_args(Role)


def there(sdp: str, *, role: Role = "initiator", action: str = "session-initiate") -> str:
    return sdp_to_jingle(sdp, role=role, action=action, sid="sid1")


def exact_sections(sdp: str) -> list[Counter[str]]:
    """The lines of each part; white space counts, except around what follows msid-semantic."""
    text = re.sub(r"(?m)^(a=msid-semantic:) *(.*?) *$", r"\1\2", sdp.replace("\r\n", "\n"))
    return [
        Counter(line for line in part.split("\n") if line)
        for part in re.split(r"(?m)^(?=m=)", text)
    ]


# ---- nothing is lost -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", SDP_FILES, ids=name_of)
def test_a_description_comes_back_whole(path: Path, role: Role) -> None:
    sdp, action = read(path), "session-accept" if "answer" in path.name else "session-initiate"
    jingle = there(sdp, role=role, action=action)
    back = jingle_to_sdp(jingle, role=role)
    assert exact_sections(back) == exact_sections(sdp)
    assert back.endswith("\r\n")
    assert "\n" not in back.replace("\r\n", "")
    # the same request, so the same text again: between two of ours not a byte changes
    assert there(back, role=role, action=action) == jingle


def test_all_recorded_descriptions_are_there() -> None:
    parts = Counter(path.relative_to(VECTORS).parts[0] for path in SDP_FILES)
    assert parts == {"browsers": 280, "aiortc": 8, "probes": 139}


def test_what_each_probe_is_about_survives() -> None:
    rows = [row.split("\t") for row in read(VECTORS / "probes" / "INDEX.tsv").splitlines()]
    assert len(rows) == 139
    for file, _, place, lines in rows:
        back = jingle_to_sdp(there(read(VECTORS / "probes" / file)), role="initiator")
        part = exact_sections(back)["savd".index(place)]
        wanted = exact_sections(lines.replace(" | ", "\n"))
        assert sum(wanted, Counter()) <= part, file


def test_the_order_of_payload_types_and_codecs_stays() -> None:
    for path in SDP_FILES[::7]:
        sdp = read(path)
        back = jingle_to_sdp(there(sdp), role="initiator")
        for start in ("m=", "a=group:", "a=simulcast:"):
            wanted = [line for line in sdp.splitlines() if line.startswith(start)]
            assert [line for line in back.splitlines() if line.startswith(start)] == wanted


# ---- the residue is small ------------------------------------------------------------------------

# A description of these is hardly more than what only the residue can say.
MOSTLY_RESIDUE = {"probes/024-m-port-0-rejected.sdp"}  # half of it is a rejected section


@cache
def shares(*, tags: bool) -> dict[str, float]:
    """The residue's share of each description's bytes, of those that have a section."""
    return {
        name_of(path): sum(len(text.encode()) for text in held(there(read(path)), tags=tags))
        / path.stat().st_size
        for path in SDP_FILES
        if "\nm=" in read(path)
    }


def held(jingle: str, *, tags: bool) -> Iterator[str]:
    """What residues hold, or with tags what they add to the stanza."""
    for found in re.finditer(r"<residue\b[^>]*>(.*?)</residue>", jingle, re.DOTALL):
        if tags:
            yield found[0]
        else:
            yield "".join(ET.fromstring(found[0]).itertext())


@pytest.mark.parametrize("tags", [False, True], ids=["held", "with tags"])
def test_the_residue_is_a_fifth_at_most(tags: bool) -> None:
    assert median(shares(tags=tags).values()) <= 0.20


def test_the_residue_of_any_description_holds_two_fifths_at_most() -> None:
    found = shares(tags=False)
    assert {name for name, share in found.items() if share > 0.40} == MOSTLY_RESIDUE


# ---- standard elements win -----------------------------------------------------------------------

RECORDED = [path for path in SDP_FILES if "probes" not in path.parts and "\nm=" in read(path)]
SOURCES = {"rich": RICH} | {name_of(path): read(path) for path in RECORDED[::12]}

RELAXED = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)


@RELAXED
@given(st.data(), st.sampled_from(sorted(SOURCES)), st.sampled_from(ROLES))
def test_the_description_follows_any_edit(data: st.DataObject, name: str, role: Role) -> None:
    root = rooted(SOURCES[name], role)
    for _ in range(data.draw(st.integers(1, 3))):
        data.draw(edit(root))
    assert_followed(root, role)


@RELAXED
@given(st.data(), st.sampled_from(sorted(SOURCES)), st.sampled_from(ROLES))
def test_no_residue_overrules_what_was_edited(data: st.DataObject, name: str, role: Role) -> None:
    root = rooted(SOURCES[name], role)
    for _ in range(data.draw(st.integers(0, 2))):
        data.draw(edit(root))
    data.draw(residues(root))
    assert_followed(root, role)


@pytest.mark.parametrize("role", ROLES)
def test_each_element_and_attribute_is_followed(role: Role) -> None:
    followed = Counter(assert_followed(root, role) for _, root in single_edits(rooted(RICH, role)))
    assert followed[True] > 150


@pytest.mark.parametrize("line", CRAFTED)
def test_each_line_alone_changes_nothing_that_is_said(line: str) -> None:
    for number in range(4):
        root = rooted(RICH)
        parents = [root, *root.findall("{urn:xmpp:jingle:1}content")]
        for parent in parents[number : number + 1]:
            for residue in (parent.find(RESIDUE), ET.SubElement(parent, RESIDUE)):
                if residue is not None:
                    residue.text = f"{line}\n{residue.text or ''}\n{line}"
        assert_followed(root)


def test_the_residue_rejects_no_section_and_revives_none() -> None:
    root = rooted(RICH)
    kept = root.find(f"{RESIDUE}/{{*}}section")
    assert kept is not None
    before = [(item.mid, item.is_rejected) for item in loads_offer(RICH).media]
    for index in range(6):
        kept.set("index", str(index))
        for port in ("0", "9"):
            kept.text = f"m=video {port} UDP/TLS/RTP/SAVPF 97\na=mid:{before[0][0]}"
            found = outcome(root)
            assert found is None or facts(found)["order"] == ("0", "1", "2")
