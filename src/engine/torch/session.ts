/** A session with the worker: an adapter under which it scores, makes gradients or generates. */
import type { Adapter } from '../../model/adapter.ts';
import { adapterShape } from '../../model/graph/parameters.ts';
import type { FrameTensors, WorkerConnection } from './connection.ts';
import { type Frame, ProtocolError } from './frames.ts';

export type Purpose = 'score' | 'gradients' | 'generate';

export interface Session {
  /**
   * @param read takes what is needed from the reply; where that is not in it, the connection ends
   * @throws {UserError} for that, or what ended the connection
   */
  ask<T>(
    header: Frame['header'] & { readonly type: string },
    tensors: FrameTensors,
    expects: string,
    read: (reply: Frame) => T,
  ): Promise<T>;
}

let sessions = 0;

/** Opens a session for the time of some work. */
export async function withSession<T>(
  connection: WorkerConnection,
  purpose: Purpose,
  adapter: Adapter | null,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = ++sessions;
  const tensors = Object.fromEntries(adapter?.tensors ?? []);
  const scaling = adapter ? adapterShape(adapter).scaling : 1;
  await connection.request({ type: 'open', session, purpose, scaling }, tensors, 'opened');
  try {
    return await work({
      ask: async (header, given, expects, read) => {
        const reply = await connection.request({ ...header, session }, given, expects);
        try {
          return read(reply);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          connection.breakOff(`the torch worker broke the protocol: ${error.message}`);
          // Rejects with that, as everything from now on.
          throw await connection.receive('nothing').catch((reason) => reason);
        }
      },
    });
  } finally {
    // What broke the connection has been told.
    await connection.request({ type: 'close', session }, {}, 'closed').catch(() => {});
  }
}
