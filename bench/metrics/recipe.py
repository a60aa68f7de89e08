"""One measurement of the Python recipe for BLEU-4 and ROUGE: a process. request.ts says what is asked.

    python recipe.py < REQUEST.json

The recipe is the parity test's: jieba's words, nltk's sentence BLEU over characters, rouge-chinese.
"""

import json
import logging
import sys
import time
from pathlib import Path

from measured import read_request, report

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "parity"))

from make_text_metrics import paper_scores  # noqa: E402


def main(request: dict) -> None:
    # rouge-chinese's longest common subsequence calls itself.
    sys.setrecursionlimit(100_000)
    logging.disable()
    pairs = json.loads(Path(request["file"]).read_text(encoding="utf-8"))
    start = time.perf_counter()
    scores = [paper_scores(pair["prediction"], pair["reference"]) for pair in pairs]
    seconds = time.perf_counter() - start
    report(seconds, ["jieba", "rouge-chinese", "nltk"], scores=scores)


if __name__ == "__main__":
    main(read_request())
