/** Writes a piece of any size; a single call to the system takes less than 2 GiB. */

/** What is needed of a file handle. */
export interface ByteWriter {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
}

const LARGEST_WRITE = 2 ** 30;

/** Writes all of `bytes`, from byte `position` of the file on, or where the last write ended (`null`). */
export async function writeFully(
  handle: ByteWriter,
  bytes: Uint8Array,
  position: number | null = null,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
    const at = position === null ? null : position + done;
    done += (await handle.write(bytes, done, length, at)).bytesWritten;
  }
}
