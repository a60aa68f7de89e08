/**
 * TFRecord, the framing of an event file: one record after another, each with two checksums. Numbers are
 * little-endian.
 *
 *     uint64  length of the data in bytes
 *     uint32  masked checksum of those 8 bytes
 *     bytes   data
 *     uint32  masked checksum of the data
 *
 * [TensorFlow, "TFRecord and tf.train.Example", section "TFRecords format details"]
 */
import { crc32c } from './crc32c.ts';

const LENGTH_BYTES = 8;
const CHECKSUM_BYTES = 4;

/** One record of a file, holding `data`. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const dataStart = LENGTH_BYTES + CHECKSUM_BYTES;
  const dataEnd = dataStart + data.length;
  const record = Buffer.alloc(dataEnd + CHECKSUM_BYTES);
  record.writeBigUInt64LE(BigInt(data.length));
  record.writeUInt32LE(maskedChecksum(record.subarray(0, LENGTH_BYTES)), LENGTH_BYTES);
  record.set(data, dataStart);
  record.writeUInt32LE(maskedChecksum(data), dataEnd);
  return record;
}

/** Rotated right by 15 bits and moved on by a constant, as the format has it. */
function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
