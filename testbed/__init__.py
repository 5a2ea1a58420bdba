"""The laboratory: throwaway Debian hosts with systemd in containers, and the real encoder that publishes to them.

Used by the demo, by molecule and by the tests. It must know nothing of what a deploy puts on a host: it hands out bare
machines and speaks to them as an outsider would.
"""
