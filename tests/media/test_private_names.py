"""One test for each private name of aioice and aiortc that the product touches.

A failing test names what an upgrade broke, and which of our lines needs it.
"""

import ast
import asyncio
import inspect
from types import ModuleType

import pytest
from aioice import Candidate, Connection
from aioice.ice import CandidatePair, StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.rtcdtlstransport import State

from jinglebridge.media import dtls, ice
from jinglebridge.media.mux import Mux

CONNECTION_ATTRIBUTES = {
    "_check_list": list,
    "_closing": bool,
    "_local_candidates": list,
    "_local_candidates_end": bool,
    "_local_candidates_start": bool,
    "_nominated": dict,
    "_nominating": set,
    "_protocols": list,
    "_query_consent_task": type(None),
    "_remote_candidates": list,
    "remote_is_lite": bool,
}
CONNECTION_METHODS = {
    "_add_remote_candidate": ["self", "remote_candidate", "network_host"],
    "_pair_remote_candidate": ["self", "remote_candidate"],
    "build_request": ["self", "pair", "nominate"],
    "check_complete": ["self", "pair"],
    "check_start": ["self", "pair"],
    "check_state": ["self", "pair", "state"],
    "check_incoming": ["self", "message", "addr", "protocol"],
    "data_received": ["self", "data", "component"],
    "query_consent": ["self"],
    "sort_check_list": ["self"],
}
DTLS_ATTRIBUTES = {
    "_rx_srtp": type(None),
    "_ssl": type(None),
    "_state": State,
    "_task": type(None),
    "_tx_srtp": type(None),
}
DTLS_METHODS = {
    "_set_role": ["self", "role"],
    "_set_state": ["self", "state"],
    "_validate_peer_identity": ["self", "remoteParameters"],
}


def candidate() -> Candidate:
    return Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "host")


@pytest.mark.parametrize(("name", "kind"), CONNECTION_ATTRIBUTES.items())
async def test_connection_has(name: str, kind: type) -> None:
    assert isinstance(getattr(Connection(ice_controlling=False), name), kind)


@pytest.mark.parametrize(("name", "parameters"), CONNECTION_METHODS.items())
def test_connection_does(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(Connection, name)).parameters) == parameters


async def test_connect_starts_only_when_gathering_is_over() -> None:
    connection = Connection(ice_controlling=False)
    connection.remote_username = connection.remote_password = "abcd"
    with pytest.raises(ConnectionError, match="gathering"):
        await connection.connect()
    connection._local_candidates_end = True
    search = asyncio.create_task(connection.connect())
    await asyncio.sleep(0)
    assert not search.done()
    await connection.close()
    with pytest.raises(ConnectionError):
        await search


def test_consent_is_asked_by_the_method_that_is_replaced() -> None:
    assert "self.query_consent()" in inspect.getsource(Connection.connect)


def test_candidate_has_network_host() -> None:
    assert candidate()._network_host == "127.0.0.1"


async def test_pair_has_state_task_and_addresses() -> None:
    protocol = StunProtocol(Connection(ice_controlling=False))
    protocol.local_candidate = candidate()
    pair = CandidatePair(protocol, candidate())
    assert (pair.state, pair.task) == (CandidatePair.State.FROZEN, None)
    assert pair.remote_addr == ("127.0.0.1", 1)
    assert pair.protocol is protocol


async def test_protocol_calls_its_connection() -> None:
    source = inspect.getsource(StunProtocol)
    assert "self.receiver.request_received(" in source
    assert "self.receiver.data_received(" in source


@pytest.mark.parametrize(("name", "kind"), DTLS_ATTRIBUTES.items())
async def test_dtls_transport_has(name: str, kind: type) -> None:
    transport = RTCDtlsTransport(Mux(), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]  # duck-typed
    assert isinstance(getattr(transport, name), kind)


@pytest.mark.parametrize(("name", "parameters"), DTLS_METHODS.items())
def test_dtls_transport_does(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(RTCDtlsTransport, name)).parameters) == parameters


def test_dtls_transport_uses_of_its_transport_only_what_the_mux_has() -> None:
    names = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(RTCDtlsTransport))))  # type: ignore[arg-type]  # it has one
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in ("transport", "_transport")
    }
    assert names == {"_recv", "_send", "role"}
    assert all(hasattr(Mux, name) for name in names)


def test_identity_is_checked_before_keys_are_made() -> None:
    source = inspect.getsource(RTCDtlsTransport.start)
    assert source.index("_validate_peer_identity") < source.index("_setup_srtp")
    assert "self._setup_srtp()" in source


def private_names(module: ModuleType) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


async def test_every_private_name_of_aioice_has_its_test() -> None:
    theirs = {*dir(Connection(ice_controlling=False)), *dir(candidate())}
    tested = {*CONNECTION_ATTRIBUTES, *CONNECTION_METHODS, "_network_host"}
    assert private_names(ice) & theirs <= tested


async def test_every_private_name_of_aiortc_has_its_test() -> None:
    theirs = dir(RTCDtlsTransport(Mux(), [RTCCertificate.generateCertificate()]))  # type: ignore[arg-type]  # duck-typed
    assert private_names(dtls) & set(theirs) <= {*DTLS_ATTRIBUTES, *DTLS_METHODS}
