/** Server-sent events: what is pushed goes out as it comes, and a comment now and then while nothing does. */

const PULSE_MILLISECONDS = 15_000;

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Reverse proxies would wait for the end otherwise.
  'x-accel-buffering': 'no',
};

export interface EventSink {
  /** An event with this as its JSON data; nothing happens once the reader has left. */
  push(data: object): void;
}

/**
 * A stream that `write` fills; it ends with OpenAI's `[DONE]`.
 * @param onCancel the reader has left
 * @param describe the error object to send where `write` fails: a status cannot be sent any more
 */
export function eventStream(
  write: (sink: EventSink) => Promise<void>,
  { onCancel, describe }: { onCancel: () => void; describe: (error: unknown) => object },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let open = true;
  let pulse: NodeJS.Timeout;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => {
        if (open) controller.enqueue(encoder.encode(text));
      };
      const push = (data: object) => send(`data: ${JSON.stringify(data)}\n\n`);
      pulse = setInterval(() => send(': still here\n\n'), PULSE_MILLISECONDS);
      const end = () => {
        clearInterval(pulse);
        if (open) controller.close();
        open = false;
      };
      write({ push })
        .then(() => send('data: [DONE]\n\n'))
        .catch((error: unknown) => push(describe(error)))
        .finally(end);
    },
    cancel() {
      open = false;
      clearInterval(pulse);
      onCancel();
    },
  });
}
