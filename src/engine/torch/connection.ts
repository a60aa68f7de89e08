/**
 * Requests to the worker and its replies, which come in the requests' order. The first thing that goes wrong ends
 * the connection: what waits rejects, and so does everything asked for later.
 */
import type { Duplex } from 'node:stream';
import { UserError } from '../../support/errors.ts';
import { encodeFrame, type Frame, FrameReader, type FrameTensor, ProtocolError } from './frames.ts';

interface Waiting {
  readonly expects: string;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (reason: unknown) => void;
}

export type FrameTensors = Readonly<Record<string, FrameTensor>>;

export class WorkerConnection {
  readonly #stream: Duplex;
  readonly #reader = new FrameReader();
  readonly #waiting: Waiting[] = [];
  readonly #lastWords: () => Promise<string>;
  #breaksOff = false;
  #failure: Error | null = null;

  /** @param lastWords asked once, where the connection breaks or the worker gives up: what it has to say to that */
  constructor(stream: Duplex, lastWords: () => Promise<string>) {
    this.#stream = stream;
    this.#lastWords = lastWords;
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.on('error', (error) => this.breakOff(connectionBroke(error.message)));
    stream.on('end', () => this.#end());
    stream.on('close', () => this.#end());
  }

  /** The reply of the type that is expected. @throws what ended the connection */
  request(header: Frame['header'], tensors: FrameTensors, expects: string): Promise<Frame> {
    return this.#wait(expects, () => this.#write({ header, tensors: new Map(Object.entries(tensors)) }));
  }

  /** What the worker says by itself. */
  receive(expects: string): Promise<Frame> {
    return this.#wait(expects, () => {});
  }

  /** Says something that has no reply. */
  send(header: Frame['header']): void {
    this.#write({ header, tensors: new Map() });
  }

  /** Ends the connection for a reason, which everything that waits rejects with. */
  fail(problem: Error): void {
    if (this.#failure) return;
    this.#failure = problem;
    this.#stream.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(problem);
  }

  /** Ends the connection for something that the worker did. */
  breakOff(problem: string): void {
    if (this.#breaksOff || this.#failure) return;
    this.#breaksOff = true;
    this.#stream.destroy();
    void this.#lastWords().then((words) => this.fail(new UserError(problem + words, { exitCode: 1 })));
  }

  #wait(expects: string, begin: () => void): Promise<Frame> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ expects, resolve, reject });
      begin();
    });
  }

  #write(frame: Frame): void {
    this.#stream.cork();
    for (const piece of encodeFrame(frame)) this.#stream.write(piece);
    this.#stream.uncork();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#failure || this.#breaksOff) return;
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.breakOff(`the torch worker broke the protocol: ${error.message}`);
    }
  }

  #take(frame: Frame): void {
    const { type, code, message } = frame.header;
    if (type === 'error') {
      const said = String(message).slice(0, 4000);
      // What was asked for in so many words and cannot be is the user's to change: nothing to look up in its output.
      if (code === 'refused') this.fail(new UserError(`engine torch: ${said}`));
      else this.breakOff(`the torch worker gave up: ${said}`);
      return;
    }
    const waiting = this.#waiting.shift();
    if (!waiting) throw new ProtocolError(`${print(type)} came unasked`);
    if (type !== waiting.expects) {
      // Rejected along with the others.
      this.#waiting.unshift(waiting);
      throw new ProtocolError(`expected "${waiting.expects}", got ${print(type)}`);
    }
    waiting.resolve(frame);
  }

  #end(): void {
    if (this.#failure || this.#breaksOff) return;
    let problem = 'the worker ended';
    try {
      this.#reader.end();
    } catch (error) {
      problem = (error as Error).message;
    }
    this.breakOff(connectionBroke(problem));
  }
}

function print(type: unknown): string {
  return JSON.stringify(type)?.slice(0, 80) ?? 'nothing';
}

function connectionBroke(problem: string): string {
  return `the connection to the torch worker broke: ${problem}`;
}
