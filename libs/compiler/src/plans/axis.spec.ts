import { ageRange } from '@granary/aggregates';
import type { Window } from '@granary/contracts';
import { describe, expect, it } from '@jest/globals';
import { chooseAxes, offsetsOn, type Asker, type Axis } from './axis.js';

const DAY = 86_400_000;
const window = (sizeMs: number | null, delayMs: number, bounds: Window['bounds']): Window => ({ sizeMs, delayMs, bounds, includeRequest: false });
const BOUNDS = ['[)', '(]', '[]', '()'] as const;
/** The first and the last instant that a DateTime64 holds, and some between. */
const INSTANTS = [Date.UTC(1900, 0, 1), -1, 0, 1, Date.UTC(2026, 4, 5, 6, 7, 8, 9), Date.UTC(2299, 11, 31, 23, 59, 59, 999)];

/** As ClickHouse does it: positions and the ends of a frame are Float64, as numbers are here. */
function inFrame(axis: Axis, offsets: { readonly start: number | null; readonly end: number }, at: number, time: number): boolean {
  const [question, event] = [axis.shift === 0 ? at / axis.unit : (2 * at + 2 * axis.shift) / (2 * axis.unit), time / axis.unit];
  return (offsets.start === null || event >= question - offsets.start) && event <= question - offsets.end;
}

describe('an axis', () => {
  for (const asker of ['events', 'questions'] as const satisfies readonly Asker[]) {
    it(`of ${asker} cuts between the right milliseconds at every bound, from 1900 to 2299`, () => {
      const windows = [null, 1, 1000, DAY, 7 * DAY, 30 * DAY, 198 * DAY, 400 * DAY, 30 * DAY + 1].flatMap((size) =>
        [0, 1, DAY, 7 * DAY].flatMap((delay) => BOUNDS.map((bounds) => window(size, delay, bounds))),
      );
      let framed = 0;
      for (const each of windows) {
        const [axis] = chooseAxes([each], asker);
        const range = ageRange(each);
        if (axis === null || range === null) continue;
        framed++;
        const offsets = offsetsOn(axis!, range)!;
        for (const at of INSTANTS) {
          for (const edge of [0, range.youngest, ...(range.oldest === Infinity ? [] : [range.oldest])]) {
            for (const age of [edge - 1, edge, edge + 1].filter((ms) => ms >= 0)) {
              expect({ each, at, age, inside: inFrame(axis!, offsets, at, at - age) }).toEqual({ each, at, age, inside: age >= range.youngest && age <= range.oldest });
            }
          }
        }
      }
      expect(framed).toBeGreaterThan(windows.length / 2);
    });
  }

  it('is shared by windows that one can frame, and keeps its margin with all of them', () => {
    const payments = [1, 7, 30].map((days) => window(days * DAY, 7 * DAY, '(]'));
    const axes = chooseAxes(payments, 'events');
    expect(new Set(axes).size).toBe(1);
    expect(axes[0]!.unit).toBeLessThan(DAY);
    expect(new Set(chooseAxes([1, 7, 30].map((days) => window(days * DAY, 0, '[)')), 'questions')).size).toBe(1);
  });

  it('is none where no whole offsets fit: the default bounds of a long window among the events themselves', () => {
    expect(chooseAxes([window(30 * DAY, 0, '[)')], 'events')).toEqual([null]);
    expect(chooseAxes([window(20 * DAY, 0, '[)')], 'events')).toEqual([{ unit: 1, shift: 0, margin: 0 }]);
  });
});
