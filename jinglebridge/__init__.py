"""Jingle to SDP/JSEP and back: an XMPP component with a media endpoint."""

__version__ = "0.1.0"
