"""Servers, texts and callers for measurements under load."""
