"""What keeps a part from being measured."""


class MissingParts(Exception):
    """The results lack parts that this one is put together from; the message says which to run."""
