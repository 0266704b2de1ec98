import type { Proof, ProvenMismatch, Suspect } from '@granary/jobs';
import { describe, expect, it } from '@jest/globals';
import { createStyle } from '../terminal/style.js';
import { proofAnswer } from './prove.js';

const T = Date.UTC(2026, 0, 10);
const style = createStyle(false);
const empty: Proof = { rows: 0, matched: 0, mismatched: 0, missing: 0, values: 0, mismatchedValues: 0, mismatches: [], missingBecause: [] };

describe('the answer of prove', () => {
  it('is no where rows were logged and none could be proven, and says why and what to do', () => {
    const { exitCode, text } = proofAnswer({ ...empty, rows: 6, missing: 6, missingBecause: [{ reason: 'no snapshot abc was ever applied', rows: 6 }] }, {}, style);
    expect(exitCode).toBe(1);
    expect(text).toContain('0 matched, 0 mismatched, 6 missing; no values compared, nothing was proven\nmissing 6: no snapshot abc was ever applied\nno logged row can be computed again');
    expect(text).toContain('--home');
    expect(text).not.toContain('no mismatch');
  });

  it('is yes where some rows are missing and the others match', () => {
    const { exitCode, text } = proofAnswer({ ...empty, rows: 3, matched: 1, missing: 2, values: 4 }, {}, style);
    expect([exitCode, text]).toEqual([0, '3 served rows: 1 matched, 0 mismatched, 2 missing; 4 values compared, no mismatch']);
  });

  it('says of what nothing was logged, which is no failure', () => {
    const told = (scope: Parameters<typeof proofAnswer>[1]): unknown => Object.values(proofAnswer(empty, scope, style)).slice(1);
    const todo = 'so there is nothing to prove; granary up --log-sample 1 logs all that is served';
    expect(told({ sample: 1 })).toEqual([`nothing was logged, ${todo}`, 0]);
    expect(told({ service: 'page', since: T, sample: 0.1 })).toEqual([`nothing was logged of page since 2026-01-10T00:00:00.000Z in a sample of 0.1, ${todo}`, 0]);
  });

  it('says where no stored event explains a value, and where one that is gone may as well', () => {
    const event = { id: 'e', sentId: 'e', time: T, knownAt: T, sequence: 3, row: {}, leftOut: 'too old' } as const;
    const answer = (suspects: readonly Suspect[] | null) => {
      const mismatch: ProvenMismatch = { service: 'page', snapshot: 'abc', servedAt: T, asOf: T, asked: { id: 1n }, feature: 'clicks', served: { value: 2, state: 'present', eventTime: null }, computed: { value: 1, state: 'present', eventTime: null }, suspects, explained: [] };
      return proofAnswer({ ...empty, rows: 1, mismatched: 1, values: 1, mismatchedValues: 1, mismatches: [mismatch] }, {}, style);
    };
    expect([answer([]).exitCode, answer([]).text]).toEqual([1, expect.stringContaining('the events come to 1\n  no stored event explains it: one may have been deleted or changed')]);
    expect(answer([{ event, says: 'served with it' }]).text).toMatch(/ {2}served with it: event e of .*, sequence 3\n {2}or with an event that has been deleted or changed since$/);
    expect(answer([{ event, says: 'served without it' }]).text).toMatch(/sequence 3$/);
    expect(answer(null)).toMatchObject({ json: { mismatches: [{ suspects: null }] }, text: expect.stringMatching(/the events come to 1$/) });
  });
});
