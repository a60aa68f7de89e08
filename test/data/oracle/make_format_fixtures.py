"""Writes test/data/fixtures/: files of the formats that are read, each by the library that writes such files.

    pip install -r requirements.txt && python make_format_fixtures.py

The contents are made up here; schemas follow each format's documentation. Needs pandas, pyarrow and datasets.
"""

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, disable_progress_bars

disable_progress_bars()
FOLDER = Path(__file__).parent.parent / "fixtures"
FOLDER.mkdir(exist_ok=True)


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


PAIRS = [
    {"prompt": "Why, \"exactly\"?", "chosen": "Because:\n- it is so", "rejected": "No, and no."},
    {"prompt": "Wie heißt das? 猫 \U0001f431", "chosen": "Katze; ein Tier.", "rejected": "'Hund'"},
    {"prompt": "=1+1", "chosen": " 2 ", "rejected": "NaN"},
]
# TRL, conversational, explicit and implicit prompt.
EXPLICIT = [
    {"prompt": [user(p["prompt"])], "chosen": [assistant(p["chosen"])], "rejected": [assistant(p["rejected"])]} for p in PAIRS
]
IMPLICIT = [
    {"chosen": [user(p["prompt"]), assistant(p["chosen"])], "rejected": [user(p["prompt"]), assistant(p["rejected"])]}
    for p in PAIRS
]
UNPAIRED = [
    {"prompt": p["prompt"], "completion": p[side], "label": side == "chosen"} for p in PAIRS for side in ("chosen", "rejected")
] + [{"prompt": "Alone?", "completion": "Yes.", "label": True}]
RATED = [
    {
        "source": "made",
        "instruction": p["prompt"],
        "models": ["a", "b", "c"],
        "completions": [
            {"model": "a", "response": p["rejected"], "overall_score": 2.5, "annotations": {"honesty": {"Rating": "2"}}},
            {"model": "b", "response": p["chosen"], "overall_score": 8.0, "annotations": {"honesty": {"Rating": "5"}}},
            {"model": "c", "response": "Between.", "overall_score": 5.0, "annotations": {"honesty": {"Rating": "N/A"}}},
        ],
    }
    for p in PAIRS
]


def write_lines(path, rows, opener=open):
    with opener(path, "wt", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


frame = pd.DataFrame(PAIRS)
frame.to_csv(FOLDER / "pandas.csv")
frame.to_csv(FOLDER / "pandas-crlf.csv", index=False, lineterminator="\r\n", encoding="utf-8-sig")
frame.to_csv(FOLDER / "pandas.csv.gz", index=False, compression={"method": "gzip", "mtime": 1})
frame.to_csv(FOLDER / "pandas.tsv", index=False, sep="\t")
frame.to_json(FOLDER / "pandas.json", orient="records")
frame.to_json(FOLDER / "pandas.jsonl", orient="records", lines=True)
frame.to_parquet(FOLDER / "pandas.parquet")
for codec in ("gzip", "zstd", "brotli", "lz4", "none"):
    pq.write_table(pa.Table.from_pylist(EXPLICIT), FOLDER / f"explicit-{codec}.parquet", compression=codec, row_group_size=2)
pq.write_table(pa.Table.from_pylist(PAIRS), FOLDER / "page-v2.parquet", data_page_version="2.0", use_dictionary=False)

Dataset.from_list(IMPLICIT).to_parquet(FOLDER / "datasets-implicit.parquet")
Dataset.from_list(EXPLICIT).to_json(FOLDER / "datasets-explicit.jsonl")
Dataset.from_list(PAIRS).to_csv(FOLDER / "datasets.csv", index=False)
Dataset.from_list(UNPAIRED).to_parquet(FOLDER / "datasets-unpaired.parquet")
Dataset.from_list(UNPAIRED).to_csv(FOLDER / "datasets-unpaired.csv", index=False)
Dataset.from_list(RATED).to_parquet(FOLDER / "ratings.parquet")

with gzip.GzipFile(FOLDER / "hh-rlhf.jsonl.gz", "wb", mtime=0) as file:
    for p in PAIRS[:2]:
        start = f"\n\nHuman: {p['prompt']}\n\nAssistant: "
        row = {"chosen": start + p["chosen"], "rejected": start + p["rejected"]}
        file.write((json.dumps(row) + "\n").encode())
