/** CRC-32C (Castagnoli), the checksum of TFRecord files; it is not the CRC-32 of zip files and zlib. */

/** x³² + x²⁸ + x²⁷ + ... + 1 with its bits reversed. [RFC 3720, section 12.1] */
const POLYNOMIAL = 0x82f63b78;

/** The remainder of each byte, so that a text is divided byte by byte instead of bit by bit. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/** The checksum of `bytes`, from 0 to 2³² − 1. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = REMAINDERS[(remainder ^ byte) & 0xff]! ^ (remainder >>> 8);
  return ~remainder >>> 0;
}
