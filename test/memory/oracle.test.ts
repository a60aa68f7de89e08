/** Consolidation against an independent numpy implementation. */
import { describe, expect, it } from 'vitest';
import { consolidateMatrix } from '../../src/memory/consolidate.ts';
import { MatrixHistory } from '../../src/memory/history.ts';
import { cases, expectClose, tensor } from './fixture.ts';

describe('consolidation equals numpy', () => {
  it.each(cases)('$name', ({ threshold, lambda, before, after, history: rows, expected }) => {
    const history = new MatrixHistory();
    for (const row of rows) history.append(tensor(row).data);
    const result = consolidateMatrix(tensor(before), tensor(after), history, { threshold, lambda });
    expect(result.report.keptRank).toBe(expected.kept_rank);
    expect(result.report.historyRank).toBe(expected.history_rank);
    expect(result.report.historyRows).toBe(rows.length);
    expectClose(result.report.singularValues, expected.singular_values);
    expectClose(result.refined, expected.refined.data);
    expectClose(result.longTerm, expected.long_term.data);
  });
});
