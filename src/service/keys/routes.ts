/** `/v1/caller`: whom the service takes the caller for. */
import * as z from 'zod';
import { json, type Route, route } from '../http/route.ts';
import { may, ROLES } from './roles.ts';

const callerSchema = z.object({
  id: z.string().meta({ description: "The key's, or `local` where none is needed." }),
  roles: z.array(z.enum(ROLES)).meta({ description: 'What it may do; an admin may everything.' }),
});
export type CallerAnswer = z.output<typeof callerSchema>;

export function callerRoutes(): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/caller',
      access: 'any',
      documentation: { summary: 'Whose key this is, and what it may do.', response: callerSchema },
      handle: ({ caller }) => json({ id: caller.id, roles: ROLES.filter((role) => may(caller, role)) }),
    }),
  ];
}
