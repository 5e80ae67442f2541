"""A script: timed calls, and what AWS answers to each and when."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.aws.sqs.receipt import NEVER
from simulator.client.account import SECOND, Account
from simulator.client.errors import ClientError
from simulator.client.messages import Answer, Poll
from simulator.client.script_file import Script, load
from simulator.client.script_steps import CLIENT_OF
from simulator.client.script_words import Reference, Step
from simulator.client.sns import SNS
from simulator.client.sqs import SQS
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.reading import mark_at

_ALL = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}


@dataclass
class Outcome:
    """What came of a step: an answer in boto3's shape, or AWS's name of the error; times [s]."""

    step: Step
    answered_at: float = 0.0
    answer: Answer | None = None
    error: str = ""
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        shown: dict[str, Any] = {"at": self.step.at / SECOND, "action": self.step.action, **self.step.about}
        if self.step.name:
            shown["as"] = self.step.name
        shown["answered_at"] = self.answered_at
        if self.error:
            return shown | {"error": self.error, "message": self.message}
        return shown | {"answer": self.answer}


class Run:
    """One run of a script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.account = Account(ideal=script.ideal, seed=script.seed, rules=script.rules)
        self._clients: dict[str, Any] = {"sqs": SQS(self.account), "sns": SNS(self.account)}
        self._saved: dict[str, Outcome] = {}
        self._open: list[tuple[Poll, Outcome]] = []

    def outcomes(self) -> list[Outcome]:
        """Make all calls; what came of each, in the order of the script."""
        self._create()
        outcomes = []
        for step in self._script.steps:
            self.account.advance(step.at)
            outcomes.append(self._do(step))
        self.account.advance(NEVER)
        self._collect()
        return outcomes

    def _create(self) -> None:
        """Create the queues and topics at instant 0; what AWS refuses of them is wrong in the file."""
        sqs, sns, script = self._clients["sqs"], self._clients["sns"], self._script
        problems: list[Problem] = []

        def create(section: str, name: str, call: Any, **parameters: Any) -> None:
            try:
                call(**parameters)
            except ClientError as error:
                marks = script.document.marks
                written = name if (section, name) in marks else name.removesuffix(".fifo")
                line = mark_at(marks, (section, written)).line
                said = f"is refused by AWS: {error}"
                problems.append(Problem(str(script.file), line, f"{section}.{written}", said))

        for name, attributes in script.queues.items():
            create("queues", name, sqs.create_queue, QueueName=name, Attributes=attributes)
        for name, attributes in script.topics.items():
            create("topics", name, sns.create_topic, Name=name, Attributes=attributes)
        for subscription in () if problems else script.subscriptions:
            create("topics", subscription["TopicArn"], sns.subscribe, **subscription)
        if problems:
            raise ScenarioError(problems)

    def _do(self, step: Step) -> Outcome:
        self._collect()
        outcome = Outcome(step, answered_at=self.account.now / SECOND)
        client = self._clients[CLIENT_OF[step.action]]
        try:
            parameters = self._resolved(step.parameters)
            if step.action == "receive_message":
                self._open.append((client.open_receive(**{**_ALL, **parameters}), outcome))
            else:
                _fill(outcome, getattr(client, step.action)(**parameters))
        except ClientError as error:
            _fail(outcome, error)
        if step.name:
            self._saved[step.name] = outcome
        self._collect()
        return outcome

    def _collect(self) -> None:
        """Fill in the outcomes of receives that have been answered since."""
        waiting = []
        for poll, outcome in self._open:
            if poll.answer is not None:
                _fill(outcome, poll.answer)
            elif isinstance(poll.error, ClientError):
                outcome.answered_at = (poll.answered_at or 0) / SECOND
                _fail(outcome, poll.error)
            else:
                waiting.append((poll, outcome))
        self._open = waiting

    def _resolved(self, value: Any) -> Any:
        """Parameters with handles in the place of references."""
        if isinstance(value, Reference):
            return self._handle(value)
        if isinstance(value, dict):
            return {key: self._resolved(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._resolved(one) for one in value]
        return value

    def _handle(self, reference: Reference) -> str:
        answer = self._saved[reference.name].answer or {}
        if reference.place is None:
            return str(answer.get("TaskHandle", reference.name))
        messages = answer.get("Messages", [])
        if reference.place >= len(messages):
            now_s = self.account.now / SECOND
            said = f"{reference.name} has {len(messages)} messages at {now_s:g} s; there is no handle of \
{reference.name}[{reference.place}]"
            raise ClientError("ReceiptHandleIsInvalid", said)
        return str(messages[reference.place]["ReceiptHandle"])


def _fill(outcome: Outcome, answer: Answer) -> None:
    outcome.answered_at = answer["ResponseMetadata"]["AnsweredAt"]
    outcome.answer = {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def _fail(outcome: Outcome, error: ClientError) -> None:
    outcome.error = error.code
    outcome.message = error.response["Error"]["Message"]


def run_script(path: Path, seed: int | None = None) -> tuple[Script, list[Outcome]]:
    """Run the script of a file.

    Raises
    ------
    ScenarioError
        With everything that is wrong with the file.
    """
    script = load(path)
    if seed is not None:
        script.seed = seed
    return script, Run(script).outcomes()
