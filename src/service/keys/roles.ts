/** What a key may do. `admin` may everything. */
export const ROLES = ['chat', 'feedback', 'review', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** Who asks. */
export interface Caller {
  /** A key's id, or `local` where there are no keys. */
  readonly id: string;
  readonly roles: ReadonlySet<Role>;
}

/** On loopback without keys everything is open to whoever is on the machine. */
export const LOCAL_CALLER: Caller = { id: 'local', roles: new Set(ROLES) };

/** @param role `any`: every key will do */
export function may(caller: Caller, role: Role | 'any'): boolean {
  return role === 'any' || caller.roles.has('admin') || caller.roles.has(role);
}
