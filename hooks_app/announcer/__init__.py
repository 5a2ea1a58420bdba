"""The announcer: a process of its own that turns occasions into messages, and brings these to their places."""
