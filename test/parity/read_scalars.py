"""Prints what TensorBoard reads from a folder of event files, as JSON.

    python read_scalars.py FOLDER

{"accumulator": {tag: [[step, value], ...]}, "provider": the same}: `EventAccumulator`, which keeps all that its
files say, and the accumulator behind TensorBoard's pages, both as TensorBoard sets them up but without sampling.
"""

import argparse
import json

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

KEEP_ALL = 0


def accumulated(folder: str) -> dict:
    reader = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.SCALARS: KEEP_ALL})
    reader.Reload()
    return {tag: [[event.step, event.value] for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def provided(folder: str) -> dict:
    guidance = {plugin_event_accumulator.TENSORS: KEEP_ALL}
    reader = plugin_event_accumulator.EventAccumulator(folder, size_guidance=guidance)
    reader.Reload()
    return {
        tag: [[event.step, tensor_util.make_ndarray(event.tensor_proto).item()] for event in reader.Tensors(tag)]
        for tag in reader.PluginTagToContent("scalars")
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    print(json.dumps({"accumulator": accumulated(folder), "provider": provided(folder)}))


if __name__ == "__main__":
    main()
