"""SRT's keys and rules."""

from __future__ import annotations

from tests.spec.table import SITE, STREAMS, Case

IN_SRT = SITE + STREAMS + "ingest:\n  srt:\n"
"""Everything a spec needs, open for keys of SRT from line 8 on, indented by four."""

MANY = "".join(f"  - {{slug: s{number}, title: Title}}\n" for number in range(1025))

CASES = (
    Case(
        "SRT switched on in words",
        IN_SRT + "    enabled: 'yes'\n",
        "8:14 ingest.srt.enabled: must be true or false, not the text 'yes'. Write it without quotes: true or false.",
    ),
    Case(
        "SRT switched on by a number",
        IN_SRT + "    enabled: 1\n",
        "8:14 ingest.srt.enabled: must be true or false, not the number 1. Write it without quotes: true or false.",
    ),
    Case(
        "SRT switched neither on nor off",
        IN_SRT + "    enabled:\n",
        "8:5 ingest.srt.enabled: has no value. Use true or false; for example true; or remove the line for the default "
        "true.",
    ),
    Case(
        "a port of SRT below 1024",
        IN_SRT + "    port: 900\n",
        "8:11 ingest.srt.port: 900 is too low. Use 1024 to 65535; for example 9000.",
    ),
    Case(
        "a latency in seconds",
        IN_SRT + "    latency_ms: 2\n",
        "8:17 ingest.srt.latency_ms: 2 is too low. Use 20 to 8000 milliseconds; for example 400.",
    ),
    Case(
        "a latency without its unit",
        IN_SRT + "    latency: 400\n",
        "8:5 ingest.srt.latency: unknown key. Did you mean 'latency_ms'?",
    ),
    Case(
        "a port without its protocol",
        SITE + STREAMS + "ingest:\n  port: 1935\n",
        "7:3 ingest.port: unknown key. Did you mean 'rtmp_port', or 'port' under 'ingest.srt'?",
    ),
    Case(
        "a way in that does not exist",
        IN_SRT + "    admit: encryptd\n",
        "8:12 ingest.srt.admit: 'encryptd' is not a choice. Did you mean 'encrypted'? Choose any, encrypted or signed.",
    ),
    Case(
        "a passphrase in the spec",
        IN_SRT + "    passphrase: hunter2\n",
        "8:5 ingest.srt.passphrase: unknown key. A passphrase is a secret and never in a spec; see 'headend-key "
        "srt-url' on the host.",
    ),
    Case(
        "more callers from one address than in all",
        IN_SRT + "    max_callers: 4\n",
        "8:18 ingest.srt.max_callers: 8 callers from one address are more than 4 in all. Use 4 or less for one "
        "address, or allow more in all.",
    ),
    Case(
        "both limits, the wrong way round",
        IN_SRT + "    max_callers: 4\n    max_callers_per_address: 5\n",
        "9:30 ingest.srt.max_callers_per_address: 5 callers from one address are more than 4 in all. Use 4 or less for "
        "one address, or allow more in all.",
    ),
    Case(
        "a stream admits callers where SRT is off",
        SITE + "streams:\n  - {slug: demo, title: Demo, srt_admit: signed}\ningest:\n  srt:\n    enabled: false\n",
        "4:42 streams[0].srt_admit: 'signed' admits nobody: SRT is off here. Remove it, or set ingest.srt.enabled to "
        "true.",
    ),
    Case(
        "more streams than SRT can admit",
        SITE + "streams:\n" + MANY,
        "3:1 streams: 1025 streams are more than the 1024 that SRT can admit. Use fewer, or set ingest.srt.enabled to "
        "false.",
    ),
)
