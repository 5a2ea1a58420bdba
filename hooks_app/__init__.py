"""Runs on the host: decides who may publish, attaches the encoder, and knows what is on air.

Imports the typed model from `headend` and nothing else of it; its facts arrive as one rendered JSON file.
"""
