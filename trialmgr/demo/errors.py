"""What can go wrong when starting on this machine."""


class LaunchError(Exception):
    """Something on this machine stops the start; the message is one line that says what to do."""
