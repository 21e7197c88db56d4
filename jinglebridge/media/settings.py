"""What an operator decides about media: addresses, ports, limits and times."""

from dataclasses import dataclass, field

from jinglebridge.media.candidates import CandidatePolicy, parse_address


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Settings of a media engine, the same for all its sessions."""

    bind_addresses: tuple[str, ...] = ()
    """Local addresses that media uses, each one offered to the peer; empty means every address of
    this machine but loopback and link-local."""
    port_min: int = 0
    """First UDP port to use; 0 leaves the choice to the system."""
    port_max: int = 0
    """Last UDP port to use; 0 leaves the choice to the system."""
    policy: CandidatePolicy = field(default_factory=CandidatePolicy)
    """Which of the peer's addresses may be tried."""
    connect_timeout_s: float = 40.0
    """From the answer to ICE and DTLS being up. RFC 8863 §4 wants about 39.5 s of patience."""
    consent_timeout_s: float = 30.0
    """How long an unanswered path is used (RFC 7675 §5.1)."""
    farewell_timeout_s: float = 2.0
    """How long a peer that ended its transport has to say that it hangs up."""
    request_timeout_s: float = 10.0
    """How long the bridge waits for the engine to answer a message."""
    max_sessions: int = 500
    """Sessions that one engine runs at a time."""
    data_channels: bool = True
    """Whether sections with data channels are accepted."""

    def __post_init__(self) -> None:
        for text in self.bind_addresses:
            address = parse_address(text)
            if address is None or address.is_unspecified:
                raise ValueError(f"media cannot be bound to {text!r}: an address is needed")
        if not 0 <= self.port_min <= self.port_max <= 65_535:
            raise ValueError("the UDP port range is not a range")
        if bool(self.port_min) != bool(self.port_max):
            raise ValueError("a UDP port range has two ends")
