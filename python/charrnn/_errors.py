"""The exceptions of charrnn."""


class Error(RuntimeError):
    """charrnn could not do what it was asked for: a damaged file, a full disk, a corpus that was built again.

    The message has what was expected, what was found, and what to do.
    """


class InputError(Error, ValueError):
    """An argument, a path or a text that cannot work: the caller can correct it."""
