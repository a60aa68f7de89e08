"""Packs jieba's dictionary and hidden Markov model into the file that src/eval/text-metrics/jieba reads.

    python scripts/jieba/make_tables.py dictionaries/jieba/tables.bin.gz

Needs the version of jieba that test/parity/requirements-text.txt names; test/parity/text-metrics.test.ts
makes the file again and compares. What jieba computes from its tables is computed here, by the same
arithmetic: other logarithms differ in their last bits, and equally good cuts would be told apart by that.

The file, little-endian, compressed with gzip:

    uint32   nodes of the prefix tree, word weights, emission values, 0
    float64  word weights: log(frequency) - log(sum of all); the first is that of a character that is no word
    float64  start[4], transition[4][4] (from, to); states in the order B E M S
    float64  emission values; the first stands for "never seen"
    uint16   emission[state][character], indices of emission values, for U+4E00..U+9FD5
    uint16   per node: number of children
    uint16   per node: its character (the root's is 0)
    uint16   per node: index of its word weight; 0 where no word ends

Nodes are numbered breadth first, siblings by character, so that a node's children follow one another.
"""
import array
import gzip
import math
import os
import sys

import jieba
from jieba.finalseg import MIN_FLOAT, emit_P, start_P, trans_P

STATES = "BEMS"
FIRST_CHARACTER, LAST_CHARACTER = 0x4E00, 0x9FD5


def packed(typecode: str, values) -> bytes:
    values = array.array(typecode, values)
    assert values.itemsize == {"I": 4, "H": 2, "d": 8}[typecode]
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def words() -> list[bytes]:
    """Word weights, and the tree's columns: numbers of children, characters, indices of weights."""
    with open(os.path.join(os.path.dirname(jieba.__file__), "dict.txt"), "rb") as file:
        frequencies, total = jieba.Tokenizer.gen_pfdict(file)
    children: dict[str, list[str]] = {}
    for prefix in frequencies:
        children.setdefault(prefix[:-1], []).append(prefix)
    nodes, counts = [""], []
    for node in nodes:  # grows while it is walked
        below = sorted(children.get(node, []))
        nodes.extend(below)
        counts.append(len(below))
    distinct = sorted(set(frequencies.values()) - {0})
    index = {0: 0} | {frequency: at + 1 for at, frequency in enumerate(distinct)}
    weights = [math.log(frequency) - math.log(total) for frequency in [1, *distinct]]
    return [
        packed("d", weights),
        packed("H", counts),
        packed("H", [0, *(ord(node[-1]) for node in nodes[1:])]),
        packed("H", [0, *(index[frequencies[node]] for node in nodes[1:])]),
    ]


def emissions() -> tuple[bytes, bytes]:
    """The distinct values, and their indices for each state and character."""
    seen = [
        [emit_P[state].get(chr(code)) for code in range(FIRST_CHARACTER, LAST_CHARACTER + 1)]
        for state in STATES
    ]
    distinct = sorted({value for row in seen for value in row if value is not None})
    index = {None: 0} | {value: at + 1 for at, value in enumerate(distinct)}
    return packed("d", [MIN_FLOAT, *distinct]), packed("H", [index[value] for row in seen for value in row])


def main(output: str) -> None:
    weights, counts, characters, indices = words()
    values, emission = emissions()
    start = [start_P[state] for state in STATES]
    transition = [trans_P[source].get(target, MIN_FLOAT) for source in STATES for target in STATES]
    header = packed("I", [len(counts) // 2, len(weights) // 8, len(values) // 8, 0])
    content = [header, weights, packed("d", start + transition), values, emission, counts, characters, indices]
    with open(output, "wb") as file:
        file.write(gzip.compress(b"".join(content), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
