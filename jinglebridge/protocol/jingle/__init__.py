"""The vocabulary: one XEP, one module. The values are the leaves of the SDP model too."""
