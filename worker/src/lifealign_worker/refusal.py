"""What this environment, or this machine, cannot do although it is asked for in so many words."""


class Refused(Exception):
    """The host tells it as a mistake of its user's, with exit code 2."""
