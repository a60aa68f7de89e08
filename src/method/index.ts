/** The methods by name. */
import { UserError } from '../support/errors.ts';
import { didYouMean } from '../support/nearest-name.ts';
import { cppo } from './cppo.ts';
import { er } from './er.ts';
import { ewc } from './ewc.ts';
import { gem } from './gem.ts';
import { l2p } from './l2p.ts';
import { lifealign } from './lifealign.ts';
import type { Method } from './method.ts';
import { mtl } from './mtl.ts';
import { olora } from './olora.ts';
import { seqft } from './seqft.ts';
import { stl } from './stl.ts';

export const methods: readonly Method[] = [lifealign, er, ewc, gem, cppo, olora, l2p, seqft, stl, mtl];

/** @throws {UserError} listing the methods there are, the nearest first. */
export function findMethod(name: string): Method {
  const method = methods.find((candidate) => candidate.name === name);
  if (method) return method;
  const names = methods.map((candidate) => candidate.name);
  throw new UserError(
    `unknown method "${name}"; expected one of ${names.join(', ')}.${didYouMean(name, names)}`,
  );
}
