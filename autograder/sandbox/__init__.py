"""Starts the processes of the sandbox, and watches them from outside."""
