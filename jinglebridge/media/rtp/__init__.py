"""RTP and RTCP without sockets: what arrives goes in, what is to be sent comes out."""
