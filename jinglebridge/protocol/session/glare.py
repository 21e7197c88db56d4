"""Who wins when both parties begin at the same time (XEP-0166 §7.2.16, XEP-0353 §4.1)."""


def overrules(sid: str, jid: str, other_sid: str, other_jid: str) -> bool:
    """Whether the beginning of ``jid`` wins over that of ``other_jid``.

    The lower sid wins, for the same sid the lower JID, both by octets (RFC 4790 §9.3).

    Args:
        sid: of the session, or id of the proposal, of ``jid``.
        jid: full JID of the one party.
        other_sid: what the other party chose.
        other_jid: full JID of the other party.
    """
    return (sid.encode(), jid.encode()) < (other_sid.encode(), other_jid.encode())
