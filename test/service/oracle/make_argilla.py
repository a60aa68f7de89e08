"""Writes test/service/fixtures/argilla-*: records as Argilla's client exports them.

    pip install -r requirements.txt && python make_argilla.py

The contents are made up here. No server is needed: the records are made by the client's classes and written by the
functions behind `to_json` and `to_datasets`.
"""

import json
import uuid
from pathlib import Path

import argilla as rg
from argilla.records._io import GenericIO, JsonIO
from datasets import Dataset

FOLDER = Path(__file__).parent.parent / "fixtures"
FOLDER.mkdir(exist_ok=True)
ANN, BEN = uuid.UUID(int=1), uuid.UUID(int=2)


def answer(question, value, user, status="submitted"):
    return rg.Response(question_name=question, value=value, user_id=user, status=status)


RECORDS = [
    rg.Record(
        id="rated",
        fields={"instruction": "When do you open?", "response": "At 8."},
        metadata={"source": "made"},
        suggestions=[rg.Suggestion(question_name="quality", value=2, score=0.7, agent="judge")],
        responses=[answer("quality", 5, ANN), answer("quality", 1, BEN)],
    ),
    rg.Record(
        id="ranked",
        fields={"instruction": "Hi", "response-1": "Hello.", "response-2": "Yes?", "response-3": "What."},
        responses=[
            answer("preference", ["response-2", "response-1", "response-3"], ANN),
            answer("best", "response-3", BEN),
        ],
    ),
    rg.Record(
        id="edited",
        fields={"instruction": "Where is my parcel?", "response": "No idea."},
        suggestions=[rg.Suggestion(question_name="correction", value="I do not know.", agent="model")],
        responses=[
            answer("correction", "I look it up at once.", ANN),
            answer("comment", "too rude", ANN),
            answer("quality", 1, BEN, "draft"),
        ],
    ),
]

path = FOLDER / "argilla-records.json"
path.unlink(missing_ok=True)
JsonIO.to_json(RECORDS, path)
# What `to_datasets` makes of them; the rows of one data set have the same columns.
flat = GenericIO.to_dict(RECORDS[:1] + RECORDS[2:], flatten=True)
dataset = Dataset.from_dict(flat)
dataset.to_json(str(FOLDER / "argilla-datasets.jsonl"), force_ascii=False)
dataset.to_parquet(str(FOLDER / "argilla-datasets.parquet"))
dataset.to_csv(str(FOLDER / "argilla-datasets.csv"))
print(json.dumps(GenericIO.to_list(RECORDS, flatten=True), indent=1))
