"""`jinglebridge convert` as people meet it: standard input and output, one line for a mistake."""

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge import cli
from jinglebridge.convert import explain, jingle_to_sdp, sdp_to_jingle
from jinglebridge.convert_commands import app
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, clark, sections, text_of

PROGRAM = Path(cli.__file__).parent.parent / ".venv" / "bin" / "jinglebridge"
OFFER = text_of(*HEAD, "a=group:BUNDLE 0 1 2", *AUDIO, "a=msid:- x", *VIDEO, *DATA)
JINGLE = sdp_to_jingle(OFFER, role="initiator", sid="sid")


def run(*arguments: str, given: str | bytes) -> tuple[int, str, str]:
    """Exit code, output as it is, and errors."""
    clean = {name: value for name, value in os.environ.items() if "JINGLEBRIDGE" not in name}
    done = subprocess.run(
        [PROGRAM, "convert", *arguments],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        check=False,
        timeout=30,
        env=clean,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def said(*arguments: str, given: str) -> str:
    code, output, errors = run(*arguments, given=given)
    assert (code, errors) == (0, "")
    return output


def test_there_and_back() -> None:
    jingle = said("to-jingle", given=OFFER)
    assert jingle == JINGLE + "\n"
    assert said("to-sdp", given=jingle) == jingle_to_sdp(JINGLE, role="initiator")
    assert sections(said("to-sdp", given=jingle)) == sections(OFFER)


def test_pretty_is_the_same_element_on_lines() -> None:
    pretty = said("to-jingle", "--pretty", given=OFFER)
    assert pretty.count("\n") > 10
    assert pretty.endswith("</jingle>\n")
    assert "\n  <content " in pretty
    assert clark(ET.fromstring(pretty)) == clark(ET.fromstring(JINGLE))
    assert said("to-sdp", given=pretty) == said("to-sdp", given=JINGLE)


def test_arguments_reach_the_element() -> None:
    jids = ("--initiator", "a@example.org/x", "--responder", "b@example.org/y")
    jingle = said(
        *("to-jingle", "--role", "responder", "--action", "session-accept", "--sid", "s1", *jids),
        given=text_of(*HEAD, *AUDIO, "a=sendonly"),
    )
    root = ET.fromstring(jingle)
    assert root.attrib == {
        "action": "session-accept",
        "sid": "s1",
        "initiator": "a@example.org/x",
        "responder": "b@example.org/y",
    }
    assert root[0].get("senders") == "responder"
    assert "a=sendonly" in said("to-sdp", "--role", "responder", given=jingle)
    assert "a=recvonly" in said("to-sdp", given=jingle)


def test_an_answer_is_written_beside_its_offer(tmp_path: Path) -> None:
    offer = tmp_path / "offer.sdp"
    offer.write_text(OFFER, "utf-8", newline="")
    root = ET.fromstring(JINGLE)
    root.remove(root.findall("{*}content")[1])
    given = ET.tostring(root, "unicode")
    answer = said("to-sdp", "--role", "responder", "--offer", str(offer), given=given)
    ports = re.findall(r"^m=\w+ (\d+)", answer, re.MULTILINE)
    assert ports == ["9", "0", "9"]


def test_foreign_xml_is_carried_when_asked_for() -> None:
    odd = JINGLE.replace("</jingle>", "<odd xmlns='urn:odd'>\u00fc</odd></jingle>")
    assert "x-jingle" not in said("to-sdp", given=odd)
    carried = said("to-sdp", "--carry", given=odd)
    assert "a=x-jingle:" in carried
    assert clark(ET.fromstring(said("to-jingle", given=carried))) == clark(ET.fromstring(odd))


def test_explain_has_a_row_for_each_line() -> None:
    rows = said("explain", given=OFFER).splitlines()
    assert [row[48:] for row in rows] == [row.line for row in explain(OFFER)]
    assert rows[0].split() == ["-", "implied", "v=0"]
    assert " 0  residue                                     a=msid:- x" in rows
    assert said("explain", given=JINGLE).splitlines() == rows
    by_responder = said("explain", "--role", "responder", given=JINGLE).splitlines()
    assert len(by_responder) == len(rows)


BAD_LINE = OFFER.replace("a=mid:1", "mid:1")


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (("to-jingle",), "", "session: the description is empty"),
        (("to-jingle",), BAD_LINE, "section 1, line 12: not of the form type=value: 'mid:1'"),
        (("explain",), BAD_LINE, "section 1, line 12: "),
        (("to-jingle",), OFFER + "a=x:\x07\r\n", "section 2, line 16: a control character"),
        (("to-jingle",), b"v=0\xff", "standard input is not UTF-8"),
        (("to-jingle", "--action", "call"), OFFER, "<jingle action>: not one of"),
        (("to-jingle", "--sid", "a b"), OFFER, "<jingle sid>: white space"),
        (("to-jingle", "--sid", ""), OFFER, "<jingle sid>"),
        (("to-sdp",), "", "not well-formed XML"),
        (("to-sdp",), OFFER, "not well-formed XML"),
        (("to-sdp",), "<!DOCTYPE a>" + JINGLE, "document types"),
        (("to-sdp",), JINGLE.replace('id="111"', 'id="x"'), "<payload-type id>: not a number"),
        (("explain",), JINGLE.replace('id="111"', 'id="x"'), "<payload-type id>"),
        (("to-sdp", "--offer", "/nowhere/offer.sdp"), JINGLE, "cannot read /nowhere/offer.sdp"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], given: str | bytes, words: str
) -> None:
    code, output, errors = run(*arguments, given=given)
    assert (code, output) == (2, "")
    assert errors.startswith("jinglebridge: ")
    assert words in errors
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_an_offer_that_is_no_text_is_refused(tmp_path: Path) -> None:
    offer = tmp_path / "offer.sdp"
    offer.write_bytes(b"\xff")
    code, output, errors = run("to-sdp", "--offer", str(offer), given=JINGLE)
    assert (code, output) == (2, "")
    assert errors == f"jinglebridge: {offer} is not UTF-8\n"


def test_a_wrong_option_and_no_command_are_usage_errors() -> None:
    assert run("to-jingle", "--role", "caller", given=OFFER)[0] == 2
    code, output, errors = run(given="")
    assert code == 2
    for command in app.registered_commands:
        assert command.name is not None
        assert command.name in output + errors


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(
        [PROGRAM, "convert", "explain"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.write(text_of(*HEAD, *AUDIO, *["a=x"] * 4000).encode())
    process.stdin.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=30)
    assert "Traceback" not in errors


def test_output_is_utf_8_whatever_the_locale_is() -> None:
    odd = OFFER.replace("s=-", "s=\u00fc \u4f60")
    clean = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for command in ("to-jingle", "explain"):
        done = subprocess.run(
            [PROGRAM, "convert", command],
            input=odd.encode(),
            capture_output=True,
            check=False,
            timeout=30,
            env=clean,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert "s=\u00fc \u4f60" in done.stdout.decode()


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    mark = "\ufeff"
    assert said("to-jingle", given=mark + OFFER) == JINGLE + "\n"
    offer = tmp_path / "offer.sdp"
    offer.write_bytes((mark + OFFER).encode())
    plain = said("to-sdp", given=JINGLE)
    assert said("to-sdp", "--offer", str(offer), given=mark + JINGLE) == plain


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file system of Linux's")
def test_a_full_disk_is_one_line_and_exit_code_2() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, "convert", "to-jingle"],
            input=OFFER.encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )
    assert done.returncode == 2
    assert done.stderr == b"jinglebridge: cannot write: no space left on device\n"
