/** Whom the service takes the reader for, to whatever shows only what they may do. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CallerAnswer } from '../../src/service/keys/routes.ts';

export type Role = CallerAnswer['roles'][number];

export interface Session {
  readonly caller: CallerAnswer | null;
  /** To be called when a key is no longer taken. */
  readonly refused: () => void;
}

export const SessionContext = createContext<Session>({ caller: null, refused: () => {} });

export function useSession(): Session & { readonly may: (role: Role) => boolean } {
  const session = useContext(SessionContext);
  return { ...session, may: (role) => session.caller?.roles.includes(role) ?? false };
}
