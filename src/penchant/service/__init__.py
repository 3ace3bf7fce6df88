"""Penchant over HTTP: events in, answers out, nothing lost."""
