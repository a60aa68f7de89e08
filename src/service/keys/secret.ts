/**
 * API keys: `la-<id>-<secret>`. The id finds the key's record, the secret proves it. What is stored of the secret is
 * HMAC-SHA-256 under a secret of the installation. A slow password hash would gain nothing: the secret is 256 random
 * bits, which no number of guesses a second finds, and every request would pay for it. The installation's own secret
 * makes records of one installation worthless in another.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const FORMAT = /^la-([0-9a-f]{12})-([A-Za-z0-9_-]{43})$/;

export interface KeyText {
  readonly id: string;
  readonly secret: string;
}

export function newKey(): KeyText & { readonly text: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secret, text: `la-${id}-${secret}` };
}

export function parseKey(text: string): KeyText | null {
  const match = FORMAT.exec(text);
  return match === null ? null : { id: match[1] as string, secret: match[2] as string };
}

export function hashSecret(secret: string, installationSecret: string): string {
  return createHmac('sha256', Buffer.from(installationSecret, 'hex')).update(secret).digest('hex');
}

/** In a time that does not depend on where the two differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
}

export function newInstallationSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex');
}
