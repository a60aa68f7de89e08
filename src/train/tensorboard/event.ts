/**
 * The data of an event file's records: messages `Event`, of which three kinds are needed here. Field numbers
 * are those of event.proto and summary.proto. [github.com/tensorflow/tensorboard, tensorboard/compat/proto]
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** When something happened, in seconds since 1970, and after how many optimizer steps. */
export interface EventTime {
  readonly wallTime: number;
  readonly step: number;
}

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SESSION_LOG = { status: 1 } as const;
const SESSION_START = 1;
const SUMMARY = { value: 1 } as const;
const SUMMARY_VALUE = { tag: 1, simpleValue: 2 } as const;

/** The first event of every file. */
export function fileVersionEvent(wallTime: number): Uint8Array {
  return beginEvent({ wallTime, step: 0 })
    .tag(EVENT.fileVersion, WireType.LengthDelimited)
    .string('brain.Event:2')
    .finish();
}

/** Has readers drop what earlier files say of `step` and of later steps. */
export function sessionStartEvent(time: EventTime): Uint8Array {
  return beginEvent(time)
    .tag(EVENT.sessionLog, WireType.LengthDelimited)
    .fork()
    .tag(SESSION_LOG.status, WireType.Varint)
    .int32(SESSION_START)
    .join()
    .finish();
}

/** Numbers by tag; each must be finite as a float32, which is what the file holds. */
export function scalarsEvent(time: EventTime, values: ReadonlyMap<string, number>): Uint8Array {
  const writer = beginEvent(time).tag(EVENT.summary, WireType.LengthDelimited).fork();
  for (const [tag, value] of values) {
    writer
      .tag(SUMMARY.value, WireType.LengthDelimited)
      .fork()
      .tag(SUMMARY_VALUE.tag, WireType.LengthDelimited)
      .string(tag)
      .tag(SUMMARY_VALUE.simpleValue, WireType.Bit32)
      .float(value)
      .join();
  }
  return writer.join().finish();
}

function beginEvent({ wallTime, step }: EventTime): BinaryWriter {
  return new BinaryWriter()
    .tag(EVENT.wallTime, WireType.Bit64)
    .double(wallTime)
    .tag(EVENT.step, WireType.Varint)
    .int64(step);
}
