"""Names, choices, URLs, zones and networks."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "a slug with capitals and blanks",
        SITE + "streams:\n  - slug: Coffee & Stocks\n    title: Demo\n",
        "4:11 streams[0].slug: 'Coffee & Stocks' does not fit. Did you mean 'coffee-stocks'? Use 1 to "
        "40 of a-z, 0-9 and -, starting with a letter or digit; for example coffee-and-stocks.",
    ),
    Case(
        "a slug that climbs",
        SITE + "streams:\n  - slug: ../../etc\n    title: Demo\n",
        "4:11 streams[0].slug: '../../etc' does not fit. Did you mean 'etc'? Use 1 to 40 of a-z, 0-9 "
        "and -, starting with a letter or digit; for example coffee-and-stocks.",
    ),
    Case(
        "a slug with a unit specifier",
        SITE + "streams:\n  - slug: demo%i\n    title: Demo\n",
        "4:11 streams[0].slug: 'demo%i' does not fit. Did you mean 'demo-i'? Use 1 to 40 of a-z, 0-9 "
        "and -, starting with a letter or digit; for example coffee-and-stocks.",
    ),
    Case(
        "a slug of 300 characters",
        SITE + "streams:\n  - slug: " + "a" * 300 + "\n    title: Demo\n",
        "4:11 streams[0].slug: '<300 characters>' does not fit. Use 1 to 40 of a-z, 0-9 and -, starting "
        "with a letter or digit; for example coffee-and-stocks.",
    ),
    Case(
        "a preset that does not exist",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000, preset: very-fast}\n",
        "9:61 ladders.default.renditions[0].preset: 'very-fast' is not a choice. Did you mean "
        "'veryfast'? Choose ultrafast, superfast, veryfast, faster, fast, medium, slow or slower.",
    ),
    Case(
        "an unknown profile",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000, profile: high10}\n",
        "9:62 ladders.default.renditions[0].profile: 'high10' is not a choice. Did you mean 'high'? "
        "Choose baseline, main or high.",
    ),
    Case(
        "a rendition name with a slash",
        IN_LADDER + "    renditions:\n      - {name: hd/720, height: 720, video_kbps: 2000}\n",
        "9:16 ladders.default.renditions[0].name: 'hd/720' does not fit. Did you mean 'hd-720'? Use 1 "
        "to 20 of a-z, 0-9 and -, starting with a letter or digit; for example 720p.",
    ),
    Case(
        "a ladder name with a blank",
        SITE + STREAMS + "ladders:\n  Full HD:\n    frame_rate: 30\n",
        "4:5 streams[0].ladder: there is no ladder 'default'. Ladders here: Full HD.",
        "7:3 ladders.Full HD: 'Full HD' does not fit. Did you mean 'full-hd'? Use 1 to 40 of a-z, 0-9 "
        "and -, starting with a letter or digit; for example default.",
    ),
    Case(
        "a URL without a scheme",
        "site:\n  public_url: live.example.org\n" + STREAMS,
        "2:15 site.public_url: a public URL starts with https:// or http://. Write https://live.example.org.",
    ),
    Case(
        "a URL with a path",
        "site:\n  public_url: https://live.example.org/streams/\n" + STREAMS,
        "2:15 site.public_url: a public URL has no path, query or fragment. Write https://live.example.org.",
    ),
    Case(
        "a URL with a slash",
        "site:\n  public_url: https://live.example.org/\n" + STREAMS,
        "2:15 site.public_url: a public URL has no path, query or fragment. Write https://live.example.org.",
    ),
    Case(
        "a URL with a password",
        "site:\n  public_url: https://me:hunter2@live.example.org\n" + STREAMS,
        "2:15 site.public_url: a public URL has no user or password. Write scheme and host only; for "
        "example https://live.example.org.",
    ),
    Case(
        "a URL of another scheme",
        "site:\n  public_url: ftp://live.example.org\n" + STREAMS,
        "2:15 site.public_url: not an http or https URL. Write scheme, host and if needed port; for "
        "example https://live.example.org.",
    ),
    Case(
        "a URL with a port too high",
        "site:\n  public_url: https://live.example.org:70000\n" + STREAMS,
        "2:15 site.public_url: not a valid host or port (ports end at 65535). Correct it, or leave the port out.",
    ),
    Case(
        "a URL with the default port",
        "site:\n  public_url: https://live.example.org:443\n" + STREAMS,
        "2:15 site.public_url: port 443 goes without saying. Write https://live.example.org.",
    ),
    Case(
        "a mistyped time zone",
        SITE + "  time_zone: Europe/Berln\n" + STREAMS,
        "3:14 site.time_zone: 'Europe/Berln' is not a time zone. Did you mean 'Europe/Berlin'?",
    ),
    Case(
        "a time zone in the wrong case",
        SITE + "  time_zone: europe/berlin\n" + STREAMS,
        "3:14 site.time_zone: 'europe/berlin' is not a time zone. Did you mean 'Europe/Berlin'?",
    ),
    Case(
        "an abbreviation as time zone",
        SITE + "  time_zone: PDT\n" + STREAMS,
        "3:14 site.time_zone: 'PDT' is not a time zone. Use a name of the IANA list; for example Europe/Berlin or UTC.",
    ),
    Case(
        "an address without a length",
        SITE + STREAMS + "ingest:\n  allow_publish: [203.0.113.7]\n",
        "7:19 ingest.allow_publish[0]: 203.0.113.7 has no prefix length. For this one address write 203.0.113.7/32.",
    ),
    Case(
        "host bits set",
        SITE + STREAMS + "ingest:\n  allow_publish: [203.0.113.7/24]\n",
        "7:19 ingest.allow_publish[0]: 203.0.113.7/24 is not the start of its network. Write 203.0.113.0/24.",
    ),
    Case(
        "an address above 255",
        SITE + STREAMS + "ingest:\n  deny_publish: [203.0.113.300/24]\n",
        "7:18 ingest.deny_publish[0]: '203.0.113.300/24' is not a network. Write address/length (CIDR); "
        "for example 203.0.113.0/24 or 2001:db8::/32.",
    ),
    Case(
        "a long IPv6 form",
        SITE + STREAMS + "ingest:\n  deny_publish: ['2001:db8:0:0::/32']\n",
        "7:18 ingest.deny_publish[0]: 2001:db8:0:0::/32 is not written in the usual form. Write 2001:db8::/32.",
    ),
    Case(
        "a host name as network",
        SITE + STREAMS + "ingest:\n  allow_publish: [studio.example.org]\n",
        "7:19 ingest.allow_publish[0]: 'studio.example.org' is not a network. Write address/length "
        "(CIDR); for example 203.0.113.0/24 or 2001:db8::/32.",
    ),
    Case(
        "everything denied",
        SITE + STREAMS + "ingest:\n  allow_publish: [10.1.0.0/16]\n  deny_publish: [10.0.0.0/8]\n",
        "8:3 ingest.deny_publish: nobody can publish: every network of allow_publish is denied here. "
        "Deny less, or allow a network that is not denied.",
    ),
    Case(
        "nobody allowed",
        SITE + STREAMS + "ingest:\n  allow_publish: []\n",
        "7:18 ingest.allow_publish: the list is empty. Add an item, starting with '- '; 1 to 100 items are allowed.",
    ),
)
