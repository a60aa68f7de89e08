/** One measurement of the text metrics: a process. */
import { readFileSync } from 'node:fs';
import { scoreAnswers } from '../../src/eval/text-metrics/index.ts';
import type { TextPair } from '../../src/eval/text-metrics/text-pair.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { MetricsRequest } from './request.ts';

const { file } = readRequest<MetricsRequest>();
const pairs = JSON.parse(readFileSync(file, 'utf8')) as readonly TextPair[];
const start = performance.now();
const { rows } = scoreAnswers(pairs);
const seconds = (performance.now() - start) / 1000;
const scores = rows.map(({ bleu4, rouge1, rouge2, rougeL }) =>
  [bleu4, rouge1, rouge2, rougeL].map((percent) => percent / 100),
);
reportChild(seconds, { scores });
