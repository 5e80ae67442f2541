"""Refusals of the service, in botocore's shape."""


class ClientError(Exception):
    """AWS refused a call.

    Attributes
    ----------
    code : str
        AWS's name of the error, such as ``QueueDoesNotExist``.
    response : dict
        As botocore's ``ClientError.response``: ``{"Error": {"Code": ..., "Message": ...}}``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.response = {"Error": {"Code": code, "Message": message}}


def refuse(reason: str | None) -> None:
    """Raise a refusal of ``aws/``, which is ``CODE: message``; None is no refusal."""
    if reason is not None:
        code, _, message = reason.partition(": ")
        raise ClientError(code, message)
