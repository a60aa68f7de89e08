/** The learner as a part of the service: its routes always, the rest where there is a memory that learns. */
import type { Redact } from '../feedback/redact.ts';
import type { Logger } from '../http/log.ts';
import type { Metrics } from '../http/metrics.ts';
import type { Route } from '../http/route.ts';
import type { Store } from '../store/open.ts';
import type { Answering } from './answering.ts';
import { Unlearned } from './collect.ts';
import type { StartLearn } from './learn-process.ts';
import { Learner } from './learner.ts';
import type { LearnerMemory } from './memory.ts';
import { learnerRoutes } from './routes.ts';
import type { Serving } from './serving.ts';
import type { LearnerSettings } from './settings.ts';
import { type Known, learnerState } from './state.ts';
import { STATES } from './states.ts';
import { countTasks } from './tasks.ts';

/** What is opened before the service is. */
export interface LearnerParts {
  readonly memory: LearnerMemory;
  readonly settings: LearnerSettings;
  readonly serving: Serving;
  readonly answering: Answering;
  readonly startLearn: StartLearn;
  readonly instance: string;
  /** Milliseconds between two looks at the database; left out: a second. */
  readonly interval?: number;
}

export interface LearnerServiceOptions {
  readonly store: Store;
  readonly redact: Redact;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Null: nothing is learned. */
  readonly parts: LearnerParts | null;
}

export interface LearnerService {
  readonly routes: readonly Route[];
  start(): void;
  /** Ends in order: what was trained is saved, and the lease given back. */
  stop(): Promise<void>;
}

export function learnerService(options: LearnerServiceOptions): LearnerService {
  const { store, redact, logger, metrics, parts } = options;
  if (parts === null) {
    return { routes: learnerRoutes({ store, known: null }), start() {}, async stop() {} };
  }
  const { memory, settings, serving, answering, startLearn, instance, interval } = parts;
  const known: Known = {
    ...{ store, memory: memory.name, instance, settings },
    unlearned: new Unlearned(store),
  };
  const learner = new Learner({
    ...{ store, memory, settings, instance, startLearn, answering, redact, logger },
    ...(interval === undefined ? {} : { interval }),
  });
  metrics.learner({
    ...{ leads: () => learner.leads, state: () => learnerState(known) },
    ...{ tasks: () => countTasks(store.db, memory.name), taskStates: STATES },
  });
  return {
    routes: learnerRoutes({ store, known }),
    start() {
      serving.start();
      learner.start();
    },
    async stop() {
      await learner.stop();
      await serving.stop();
    },
  };
}
