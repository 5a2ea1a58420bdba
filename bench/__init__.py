"""Figures: each bench measures ours and a reference in the same run, and prints a table and one JSON object."""
