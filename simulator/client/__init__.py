"""boto3's calls and answers over the rules of ``aws/``, with a clock that the user sets."""

from simulator.client.account import Account
from simulator.client.errors import ClientError
from simulator.client.sns import SNS
from simulator.client.sqs import SQS

__all__ = ["SNS", "SQS", "Account", "ClientError"]
