"""Writes how jieba cuts texts, and what the Python recipes say of pairs of texts.

    python make_text_metrics.py --seed 1 --cuts 3000 --pairs 2000 [--rows ROWS.json]... OUTPUT_FILE

Texts are fuzzed from words of jieba's dictionary, characters no dictionary has and hostile Unicode; rows'
`chosen` and `rejected` are pairs of real texts beside them. Scores are fractions or percent as the packages
give them; an empty text scores 0 where a package refuses it, as in LLaMA-Factory. OUTPUT_FILE is compressed
if its name ends in .gz.
"""

import argparse
import gzip
import json
import logging
import random
import sys
import tempfile
import time

import jieba
import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge

LATIN = (
    "GPT-4 2+3 C++ c# T恤 AT&T 卡拉OK e-mail U.S.A. 3.14 3.14.15 50% 12.5% 100%% -5 +- _x_ #tag a_b.c 1,000 1e-5 "
    "B超 H2O x86-64 v1.0.2 www.example.com user@example.com don't state-of-the-art The answer is yes No is a of I'm"
).split()
PUNCTUATION = list("。！？?!，、；：“”‘’（）《》…—·～.,;:'\"()[]{}<>/\\|@$^&*=`~%-_+#")
MARKS = ["……", "......", ".......", "。。。", "。”", "？’", "?\"", "...", "——", "&quot;", "&amp;", "&lt;", "<skipped>", "-\n"]
SPACES = [" ", "  ", "\n", "\n\n", "\r\n", "\r", "\t", "\u3000", "\xa0", "\x1c", "\x1f", "\x85", "\u2028", "\u2009", "\x0b"]
HOSTILE = [
    "😀", "👩‍👩‍👧", "🇨🇳", "𠮷", "𝟗", "\ud800", "\udc00", "\ufeff", "\u200b", "\x00", "\x07", "\u202e", "é", "e\u0301", "ß", "Σ",
    "ｇｐｔ", "４２", "٣", "½", "ひらがな", "カタカナ", "한국어", "ไทย", "नमस्ते", "עברית", "〇", "㐀", "\u9fd5", "\u9fd6", "\u9fff",
    "\u4e00", "\uf900", "∶", "γ射线", "々",
]  # fmt: skip


def joined(pieces: list[str]) -> str:
    """As the reader of a JSON file sees it: two lone surrogates that meet are one character."""
    return json.loads(json.dumps("".join(pieces)))


class Texts:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        with open(jieba.__path__[0] + "/dict.txt", encoding="utf-8") as file:
            entries = [line.split(" ") for line in file]
        self.words = [entry[0] for entry in entries]
        self.frequent = [entry[0] for entry in entries if int(entry[1]) > 2000]

    def chinese(self) -> str:
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(self.frequent)
        if kind < 0.75:
            return self.random.choice(self.words)
        if kind < 0.9:  # names and other words that only the hidden Markov model can find
            return "".join(self.random.choice(self.random.choice(self.frequent)) for _ in range(self.random.randint(1, 4)))
        return "".join(chr(self.random.randint(0x4E00, 0x9FD5)) for _ in range(self.random.randint(1, 3)))

    def latin(self) -> str:
        if self.random.random() < 0.6:
            return self.random.choice(LATIN)
        return "".join(self.random.choice("abcXYZ0159+#&._%-") for _ in range(self.random.randint(1, 8)))

    def pieces(self, length: int) -> list[str]:
        """Of a mixture that is the text's own."""
        weights = [self.random.random() ** 3 for _ in range(6)]
        spaced = self.random.random() < 0.3
        pieces = []
        for kind in self.random.choices(range(6), weights, k=length):
            pieces.append(
                self.chinese() if kind < 2
                else self.latin() if kind == 2
                else self.random.choice(PUNCTUATION + MARKS) if kind == 3
                else self.random.choice(SPACES) if kind == 4
                else self.random.choice(HOSTILE)
            )  # fmt: skip
            if spaced:
                pieces.append(" ")
        return pieces

    def length(self) -> int:
        return self.random.choice([0, 1, 2, 3, 5, 8, 13, 21, 34]) if self.random.random() < 0.97 else 400

    def text(self) -> str:
        return joined(self.pieces(self.length()))

    def long_run(self) -> str:
        """Thousands of Chinese characters without a break."""
        return joined([self.chinese() for _ in range(2000)])

    def ties(self, count: int) -> list[str]:
        """Three characters, between two cuts of which only the rule for ties decides: ab c and a bc."""
        frequency = lambda word: jieba.dt.FREQ.get(word) or 1  # noqa: E731
        starting: dict[str, list[str]] = {}
        for word in self.words:
            if len(word) == 2 and all("\u4e00" <= character <= "\u9fd5" for character in word):
                starting.setdefault(word[0], []).append(word)
        ties = [
            first + second[1]
            for words in starting.values()
            for first in words
            for second in starting.get(first[1], [])
            if frequency(first) * frequency(second[1]) == frequency(first[0]) * frequency(second)
        ]
        return self.random.sample(ties, min(count, len(ties)))

    def pair(self) -> tuple[str, str]:
        reference = self.pieces(self.length())
        kind = self.random.random()
        if kind < 0.1:
            return self.text(), joined(reference)
        if kind < 0.15:
            return joined(reference), joined(reference)
        if kind < 0.2:
            return self.random.choice(["", " ", "\n\n", "\u3000", "。", "...", "。\n\n。"]), joined(reference)
        prediction = list(reference)
        for _ in range(self.random.randint(1, 2 + len(reference) // 3)):
            at = self.random.randint(0, len(prediction))
            edit = self.random.random()
            if edit < 0.4:
                prediction[at : at + self.random.randint(1, 3)] = []
            elif edit < 0.7:
                prediction[at:at] = self.pieces(self.random.randint(1, 3))
            else:
                prediction[at:at] = prediction[: self.random.randint(0, 6)]
        return joined(prediction), joined(reference)


def paper_scores(prediction: str, reference: str) -> list[float]:
    """BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L."""
    hypothesis, expected = (" ".join(jieba.cut(text)) for text in (prediction, reference))
    bleu = sentence_bleu([list(reference)], list(prediction), smoothing_function=SmoothingFunction().method3)
    if not hypothesis.split() or not expected.split():
        return [bleu, 0.0, 0.0, 0.0]
    scores = Rouge().get_scores(hypothesis, expected)[0]
    return [bleu, *(scores[name]["f"] for name in ("rouge-1", "rouge-2", "rouge-l"))]


def further_scores(prediction: str, reference: str) -> list[float]:
    """Sentence-level word BLEU and chrF2."""
    bleu = sacrebleu.BLEU(effective_order=True).sentence_score(prediction, [reference])
    return [bleu.score, sacrebleu.CHRF().sentence_score(prediction, [reference]).score]


def corpus_scores(pairs: list[tuple[str, str]]) -> list[float]:
    """Corpus-level word BLEU and chrF2, distinct-1 and distinct-2."""
    predictions, references = (list(texts) for texts in zip(*pairs))
    words = [[word for word in jieba.cut(text) if word.split()] for text in predictions]
    distinct = []
    for n in (1, 2):
        grams = [tuple(answer[at : at + n]) for answer in words for at in range(len(answer) - n + 1)]
        distinct.append(len(set(grams)) / len(grams) if grams else 0.0)
    return [
        sacrebleu.BLEU(force=True).corpus_score(predictions, [references]).score,
        sacrebleu.CHRF().corpus_score(predictions, [references]).score,
        *distinct,
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cuts", type=int, required=True)
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--rows", action="append", default=[])
    parser.add_argument("output")
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)
    logging.disable()
    jieba.dt.tmp_dir = tempfile.mkdtemp()
    jieba.initialize()
    texts = Texts(options.seed)
    cuts = [texts.text() for _ in range(options.cuts)]
    cuts += [texts.long_run() for _ in range(options.cuts // 250)]
    cuts += texts.ties(options.cuts // 5)
    pairs = [texts.pair() for _ in range(options.pairs)]
    for file in options.rows:
        with open(file, encoding="utf-8") as rows:
            pairs += [(row["rejected"][:1500], row["chosen"][:1500]) for row in json.load(rows)[:200]]
    start = time.time()
    scores = [paper_scores(*pair) for pair in pairs]
    seconds = time.time() - start
    corpora = [pairs[at : at + 50] for at in range(0, len(pairs), 50)]
    content = json.dumps({
        "cuts": [{"text": text, "words": jieba.lcut(text)} for text in cuts],
        "pairs": [
            {"prediction": pair[0], "reference": pair[1], "scores": paper, "further": further_scores(*pair)}
            for pair, paper in zip(pairs, scores)
        ],
        "corpora": [corpus_scores(corpus) for corpus in corpora],
        "seconds": seconds,
    }, separators=(",", ":"))  # fmt: skip
    compress = gzip.compress if options.output.endswith(".gz") else bytes
    with open(options.output, "wb") as file:
        file.write(compress(content.encode("ascii")))


if __name__ == "__main__":
    main()
