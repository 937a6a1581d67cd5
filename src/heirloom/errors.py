"""The one exception that means bad input rather than a bug."""


class HeirloomError(Exception):
    """Bad input: the message says what was given, what is allowed and which key or file holds it.

    The command line prints the message as a single line and exits with a non-zero status, without a traceback.
    """
