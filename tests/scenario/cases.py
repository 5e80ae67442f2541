"""Broken scenarios in ``broken/``, each with its repaired twin in ``repaired/``, and what is said of them.

``said.txt`` has by file a part of the message, from the line on where there is one.
"""

from pathlib import Path
from typing import Final

BROKEN: Final = Path(__file__).parent / "broken"
REPAIRED: Final = Path(__file__).parent / "repaired"
SAID: Final = {
    name: said
    for name, _, said in (
        line.partition(": ") for line in (Path(__file__).parent / "said.txt").read_text().splitlines()
    )
}
