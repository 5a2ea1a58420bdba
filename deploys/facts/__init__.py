"""What deploys read from a host: one round trip each, tolerant of a host that has nothing yet."""
