/** The learner in a line, wherever it is not the subject. */

import { read } from '../api/client.ts';
import type { Learner } from '../api/learner.ts';
import { linkTo } from '../router.ts';
import { useLoad } from '../use-load.ts';

const EVERY = 5000;

export function LearnerLine() {
  const { data } = useLoad('learner', (signal) => read<Learner>('/v1/learner', signal), EVERY);
  const text = data?.state ?? '-';
  return <a href={linkTo('learner')}>{data?.paused ? `${text}, paused` : text}</a>;
}
