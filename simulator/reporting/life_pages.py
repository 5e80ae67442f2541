"""One message's life as text, Markdown or JSON: each step in its instant, then what would have avoided it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from simulator.analysis.answer import Setting
from simulator.analysis.life import Copy, Life
from simulator.analysis.remedies import Avoidance
from simulator.analysis.steps import Step, copy_steps, sending
from simulator.recording.tables import NONE
from simulator.reporting import words
from simulator.reporting.life_findings import avoided, title
from simulator.reporting.life_words import LifeWords, clock, count
from simulator.reporting.words import thing

_WIDE: Final = 104


class LifePage:
    """A life under one setting, ready to be printed.

    Parameters
    ----------
    replication : int
        Of which run it is.
    picture : Path
        Where its picture was written.
    """

    def __init__(
        self, life: Life, setting: Setting, found: Avoidance, *, replication: int, picture: Path
    ) -> None:
        self._life = life
        self._said = LifeWords(life, setting)
        self._setting = setting
        self._found = found
        self._replication = replication
        self._picture = picture

    def as_text(self) -> str:
        """Return what a terminal shows: the finding, then step by step since the message was offered."""
        lines = [f"{title(self._said)}.", "", self._about(), ""]
        parts = self._parts()
        wide = max(len(self._since(step.at)) for _, steps in parts for step in steps)
        for head, steps in parts:
            lines += [head] if head else []
            for step in steps:
                told = textwrap.wrap(self._said.sentence(step), _WIDE - wide - 4)
                lines.append(f"  {self._since(step.at):>{wide}}  {told[0]}")
                lines += [" " * (wide + 4) + more for more in told[1:]]
            lines.append("")
        advice = [line for one in self._avoided() for line in textwrap.wrap(one, _WIDE)]
        lines += [*advice, ""] if advice else []
        return "\n".join([*lines, str(self._picture), ""])

    def as_markdown(self) -> str:
        """Return the same for a pull request or an incident review."""
        lines = [f"## {title(self._said)}", "", self._about(), ""]
        for head, steps in self._parts():
            lines += [f"**{head}**", ""] if head else []
            lines += ["| since offered | what happened, and why |", "|---:|---|"]
            for step in steps:
                lines.append(f"| {self._since(step.at)} | {self._said.sentence(step).replace('|', '/')} |")
            lines.append("")
        advice = self._avoided()
        lines += [" ".join(advice), ""] if advice else []
        return "\n".join([*lines, f"![{title(self._said)}]({self._picture.as_posix()})", ""])

    def as_json(self) -> str:
        """Return the same for machines: instants and durations in seconds."""
        life = self._life
        document = {
            "scenario": self._setting.name,
            "seed": self._setting.seed,
            "replication": self._replication,
            "message": life.message,
            "messages": life.messages,
            "ending": life.ending.name.lower(),
            "title": title(self._said),
            "source": life.source,
            "target": life.target,
            "parent": None if life.parent == NONE else life.parent,
            "offered_at_s": life.offered_at / 1e6,
            "accepted_at_s": None if life.accepted_at == NONE else life.accepted_at / 1e6,
            "size_bytes": life.size_bytes,
            "group": None if life.group == NONE else life.group,
            "attributes": dict(life.attributes),
            "poison": life.poison,
            "sending": [self._step(step) for step in sending(life)],
            "copies": [
                {
                    "copy": copy.number,
                    "ending": copy.ending.name.lower(),
                    "queues": [stay.queue for stay in copy.stays],
                    "steps": [self._step(step) for step in copy_steps(copy)],
                }
                for copy in life.copies
            ],
            "avoided_by": [
                {
                    "path": one.path,
                    "relation": one.relation,
                    "value": one.value / 1e6 if one.is_time and isinstance(one.value, int) else one.value,
                    "unit": "s" if one.is_time else "1",
                }
                for one in self._found.remedies
            ],
            "because": self._avoided(),
            "picture": self._picture.as_posix(),
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def _parts(self) -> list[tuple[str, list[Step]]]:
        """Steps of the message, then of each copy under a heading where there are several."""
        life = self._life
        if len(life.copies) == 1:
            return [("", [*sending(life), *copy_steps(life.copies[0])])]
        return [("", sending(life)), *((self._head(copy), copy_steps(copy)) for copy in life.copies)]

    def _head(self, copy: Copy) -> str:
        queues = " and ".join(dict.fromkeys(words.plain_name(stay.queue) for stay in copy.stays))
        shown = " (in the picture)" if copy is self._life.copies[self._life.shown] else ""
        return f"copy {copy.number}, in {queues}{shown}"

    def _step(self, step: Step) -> dict[str, Any]:
        return {
            "at_s": step.at / 1e6,
            "since_offered_s": (step.at - self._life.offered_at) / 1e6,
            "what": step.what.value,
            "queue": None if step.stay is None else step.stay.queue,
            "receive": None if step.delivery is None else step.delivery.receive_count,
            "text": self._said.sentence(step),
        }

    def _since(self, at: int) -> str:
        us = at - self._life.offered_at
        return f"+{clock(us)}" if us >= 0 else clock(us)

    def _about(self) -> str:
        life = self._life
        offered = "before the run began" if life.standing else f"at {clock(life.offered_at)}"
        parts = [
            f"Message {life.message:,} of {life.messages:,}",
            f"offered by {thing(life.source)} {offered}",
            *([] if life.parent == NONE else [f"sent for message {life.parent:,}"]),
            f"{life.size_bytes:,} bytes",
            *([] if life.group == NONE else [f"group {life.group}"]),
            *(f"{key} {value}" for key, value in life.attributes.items()),
            *(["poison"] if life.poison else []),
            count(len(life.copies), "copy").replace("copys", "copies"),
        ]
        run = f"{self._setting.name}, seed {self._setting.seed}, replication {self._replication}"
        return f"{', '.join(parts)} ({run})"

    def _avoided(self) -> Sequence[str]:
        return avoided(self._said, self._found)
