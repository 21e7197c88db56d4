"""The media endpoint: ICE, DTLS-SRTP and forwarding of RTP, on aiortc's parts."""
