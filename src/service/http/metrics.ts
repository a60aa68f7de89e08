/** What Prometheus reads at /metrics. Labels have few values: routes, statuses, names of models. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export interface LoadGauges {
  readonly running: () => number;
  readonly waiting: () => number;
}

export interface LearnerGauges {
  readonly leads: () => boolean;
  readonly state: () => Promise<{
    readonly state: string;
    readonly feedback: { readonly unlearned: number };
    readonly serving: { readonly version: number } | null;
  }>;
  /** How many there are in each state; states without any may be left out. */
  readonly tasks: () => Promise<ReadonlyMap<string, number>>;
  readonly taskStates: readonly string[];
}

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  readonly #tokens: Counter<'model' | 'kind'>;
  readonly #feedback: Counter<'kind' | 'outcome'>;

  constructor({ running, waiting }: LoadGauges) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'lifealign_http_requests_total',
      help: 'Requests by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'lifealign_http_request_seconds',
      help: 'Seconds until an answer was ready; of a stream, until it began.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.#tokens = new Counter({
      name: 'lifealign_tokens_total',
      help: 'Tokens of prompts and completions, by name of the model.',
      labelNames: ['model', 'kind'],
      registers,
    });
    this.#feedback = new Counter({
      name: 'lifealign_feedback_total',
      help: 'Feedback received, by kind and what became of it.',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    this.#gauge('lifealign_answers_running', 'Answers (requests, before an upstream) at work.', running);
    this.#gauge('lifealign_requests_waiting', 'Chat requests that wait for their turn.', waiting);
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  /** Of a service that learns. */
  learner({ leads, state: ask, tasks, taskStates }: LearnerGauges): void {
    // Gauges of one scrape are collected together: they share one look at the database.
    let asked: ReturnType<typeof ask> | null = null;
    const state = () => {
      asked ??= ask().finally(() => {
        asked = null;
      });
      return asked;
    };
    const leading = 'Whether this instance is the one that learns.';
    this.#gauge('lifealign_learner_leads', leading, () => (leads() ? 1 : 0));
    const unlearned = 'Accepted pieces of feedback that no task has taken.';
    this.#gauge('lifealign_learner_unlearned', unlearned, async () => (await state()).feedback.unlearned);
    const serving = 'The version of the memory that its bare name means.';
    this.#gauge(
      'lifealign_learner_serving_version',
      serving,
      async () => (await state()).serving?.version ?? 0,
    );
    new Gauge({
      name: 'lifealign_learner_state',
      help: 'What the learner does: 1 for the state that it is in.',
      labelNames: ['state'],
      registers: [this.registry],
      async collect() {
        this.reset();
        this.set({ state: (await state()).state }, 1);
      },
    });
    new Gauge({
      name: 'lifealign_learner_tasks',
      help: 'Tasks made of feedback, by the state that they are in.',
      labelNames: ['state'],
      registers: [this.registry],
      async collect() {
        const counts = await tasks();
        for (const one of taskStates) this.set({ state: one }, counts.get(one) ?? 0);
      },
    });
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#seconds.observe({ route }, seconds);
  }

  tokens(model: string, prompt: number, completion: number): void {
    this.#tokens.inc({ model, kind: 'prompt' }, prompt);
    this.#tokens.inc({ model, kind: 'completion' }, completion);
  }

  feedback(kind: string, outcome: 'stored' | 'repeated' | 'refused'): void {
    this.#feedback.inc({ kind, outcome });
  }
}
