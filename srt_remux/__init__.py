"""What turns one SRT caller's MPEG-TS into one RTMP publish: a process per caller, started by its connection.

It must not decide who may publish: nginx@srt did, and the permissions on two unix sockets stand for its answer.
It starts while a caller waits, so it imports little: no asyncio, no argparse, no dataclasses.
"""
