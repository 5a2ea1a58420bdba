"""The machine's libsrt as ctypes sees it: the functions, numbers and statistics that testbed/srt_socket.py needs."""

from __future__ import annotations

import atexit
import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint64, c_void_p
from functools import cache

from testbed.fault import TestbedError

NAMES = ("libsrt.so.1.5", "libsrt-openssl.so.1.5", "libsrt-gnutls.so.1.5")
"""OpenSSL's flavour as Debian 12 and others call it, and GnuTLS's, which ffmpeg brings along. Any of them will do."""

# Options and answers by their numbers in srt.h.
SNDTIMEO, RCVTIMEO, REUSEADDR, SNDDATA, PASSPHRASE, PBKEYLEN, PEERVERSION, CONNTIMEO = 13, 14, 15, 19, 26, 27, 35, 36
SNDKMSTATE, RCVLATENCY, PEERLATENCY, STREAMID, PAYLOADSIZE, PEERIDLETIMEO = 40, 43, 44, 46, 49, 55
INVALID = FAILED = -1
CONNECTED = 5
LOG_CRIT = 2

_COUNTERS = """
q msTimeStamp pktSentTotal pktRecvTotal
i pktSndLossTotal pktRcvLossTotal pktRetransTotal pktSentACKTotal pktRecvACKTotal pktSentNAKTotal pktRecvNAKTotal
q usSndDurationTotal
i pktSndDropTotal pktRcvDropTotal pktRcvUndecryptTotal
Q byteSentTotal byteRecvTotal byteRcvLossTotal byteRetransTotal byteSndDropTotal byteRcvDropTotal byteRcvUndecryptTotal
q pktSent pktRecv
i pktSndLoss pktRcvLoss pktRetrans pktRcvRetrans pktSentACK pktRecvACK pktSentNAK pktRecvNAK
d mbpsSendRate mbpsRecvRate
q usSndDuration
i pktReorderDistance
d pktRcvAvgBelatedTime
q pktRcvBelated
i pktSndDrop pktRcvDrop pktRcvUndecrypt
Q byteSent byteRecv byteRcvLoss byteRetrans byteSndDrop byteRcvDrop byteRcvUndecrypt
d usPktSndPeriod
i pktFlowWindow pktCongestionWindow pktFlightSize
d msRTT mbpsBandwidth
i byteAvailSndBuf byteAvailRcvBuf
d mbpsMaxBW
i byteMSS pktSndBuf byteSndBuf msSndBuf msSndTsbPdDelay pktRcvBuf byteRcvBuf msRcvBuf msRcvTsbPdDelay
i pktSndFilterExtraTotal pktRcvFilterExtraTotal pktRcvFilterSupplyTotal pktRcvFilterLossTotal
i pktSndFilterExtra pktRcvFilterExtra pktRcvFilterSupply pktRcvFilterLoss pktReorderTolerance
q pktSentUniqueTotal pktRecvUniqueTotal
Q byteSentUniqueTotal byteRecvUniqueTotal
q pktSentUnique pktRecvUnique
Q byteSentUnique byteRecvUnique
"""
_TYPES: dict[str, type[c_int | c_int64 | c_uint64 | c_double]] = {
    "i": c_int,
    "q": c_int64,
    "Q": c_uint64,
    "d": c_double,
}


class PerfMon(ctypes.Structure):
    """CBytePerfMon of libsrt 1.5.0 and later: a letter for the type, then the fields in their order."""

    _fields_ = [(name, _TYPES[line[0]]) for line in _COUNTERS.split("\n") for name in line.split()[1:]]


_PROTOTYPES = {
    "srt_startup": (c_int, []),
    "srt_cleanup": (c_int, []),
    "srt_setloglevel": (None, [c_int]),
    "srt_getversion": (ctypes.c_uint32, []),
    "srt_create_socket": (c_int, []),
    "srt_close": (c_int, [c_int]),
    "srt_bind": (c_int, [c_int, c_char_p, c_int]),
    "srt_connect": (c_int, [c_int, c_char_p, c_int]),
    "srt_listen": (c_int, [c_int, c_int]),
    "srt_accept": (c_int, [c_int, c_void_p, POINTER(c_int)]),
    "srt_getsockname": (c_int, [c_int, c_char_p, POINTER(c_int)]),
    "srt_getsockflag": (c_int, [c_int, c_int, c_void_p, POINTER(c_int)]),
    "srt_setsockflag": (c_int, [c_int, c_int, c_char_p, c_int]),
    "srt_getsockstate": (c_int, [c_int]),
    "srt_send": (c_int, [c_int, c_char_p, c_int]),
    "srt_recv": (c_int, [c_int, c_char_p, c_int]),
    "srt_getlasterror": (c_int, [POINTER(c_int)]),
    "srt_getlasterror_str": (c_char_p, []),
    "srt_getrejectreason": (c_int, [c_int]),
    "srt_rejectreason_str": (c_char_p, [c_int]),
    "srt_bistats": (c_int, [c_int, POINTER(PerfMon), c_int, c_int]),
    "srt_getsndbuffer": (c_int, [c_int, POINTER(c_size_t), POINTER(c_size_t)]),
}


@cache
def libsrt() -> ctypes.CDLL:
    """The library, started; raises TestbedError with the package to install if there is none."""
    for name in NAMES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for function, (result, arguments) in _PROTOTYPES.items():
            prototype = getattr(library, function)
            prototype.restype, prototype.argtypes = result, arguments
        library.srt_startup()
        library.srt_setloglevel(LOG_CRIT)
        atexit.register(library.srt_cleanup)
        return library
    raise TestbedError("testbed srt: no libsrt 1.5 on this machine. Install it: apt-get install libsrt1.5-gnutls")
