"""Jingle, SDP and the way between them, as pure values and functions.

Nothing here awaits, reads a clock, draws a random number or logs: time and ids are arguments.
"""
