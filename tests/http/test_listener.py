import pytest

from jinglebridge.errors import OperatorError
from jinglebridge.http.listener import listen


def test_the_first_free_port_is_taken() -> None:
    with listen("127.0.0.1", [0]) as taken:
        busy = int(taken.getsockname()[1])
        with listen("127.0.0.1", [busy, 0]) as other:
            assert other.getsockname()[1] != busy


def test_a_busy_port_is_one_line() -> None:
    with listen("127.0.0.1", [0]) as taken:
        busy = int(taken.getsockname()[1])
        with pytest.raises(OperatorError) as caught:
            listen("127.0.0.1", [busy])
    assert str(caught.value) == f"cannot listen on 127.0.0.1 port {busy}: address already in use"


@pytest.mark.parametrize("host", ["192.0.2.99", "2001:db8::99"])
def test_an_address_of_another_machine_is_one_line(host: str) -> None:
    with pytest.raises(OperatorError, match=rf"^cannot listen on {host} port 8080: cannot assign"):
        listen(host, range(8080, 8100))
