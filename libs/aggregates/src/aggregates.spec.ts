import { describe, expect, it } from '@jest/globals';
import { boundsKinds, type Aggregate, type Expression, type Feature, type Value } from '@granary/contracts';
import * as fc from 'fast-check';
import { ageRange, compareValues, emptyParts, evaluate, finish, foldRequest, matches, partsOf } from './index.js';

function feature(fn: Aggregate['fn'], type: Feature['type'], extra: Partial<Aggregate> = {}): Feature {
  const window = fn === 'latest' ? null : { sizeMs: 1000, delayMs: 0, bounds: '[)' as const, includeRequest: true };
  return { name: 'f', type, aggregate: { fn, column: fn === 'count' ? null : 'x', where: null, window, default: null, ...extra } };
}

const source = { fields: [{ name: 'x', type: { kind: 'int32' as const }, nullable: true }] };

describe('ageRange', () => {
  it('holds exactly the ages that the bounds say, for every small window', () => {
    for (const bounds of boundsKinds) {
      for (const sizeMs of [1, 2, 3, 7]) {
        for (const delayMs of [0, 1, 5]) {
          const range = ageRange({ sizeMs, delayMs, bounds, includeRequest: false });
          for (let age = -2; age <= 15; age++) {
            const start = age < delayMs + sizeMs || (age === delayMs + sizeMs && bounds[0] === '[');
            const end = age > delayMs || (age === delayMs && bounds[1] === ']');
            expect([bounds, sizeMs, delayMs, age, range !== null && age >= range.youngest && age <= range.oldest]).toEqual([bounds, sizeMs, delayMs, age, start && end]);
          }
        }
      }
    }
  });
});

describe('folding a request', () => {
  it('equals having had one event more, for numbers in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: -1000, max: 1000 }))), (values) => {
        const present = values.filter((value) => value !== null);
        const expected: Record<string, Value | null> = {
          count: values.length,
          sum: present.reduce((a, b) => a + b, 0),
          avg: present.length === 0 ? null : present.reduce((a, b) => a + b, 0) / present.length,
          min: present.length === 0 ? null : Math.min(...present),
          max: present.length === 0 ? null : Math.max(...present),
          last: present.at(-1) ?? null,
        };
        for (const [fn, answer] of Object.entries(expected)) {
          const declared = feature(fn as Aggregate['fn'], { kind: fn === 'count' ? 'int32' : 'float64' });
          const parts = values.reduce((folded, x) => foldRequest(declared, folded, { x }, 0, source), emptyParts(declared));
          expect([fn, finish(declared, parts, 0)]).toEqual([fn, answer]);
          expect(parts).toHaveLength(partsOf(declared).length);
        }
      }),
    );
  });

  it('adds integers exactly', () => {
    const total = feature('sum', { kind: 'int64' });
    const parts = [2n ** 62n, 1n].reduce((folded, x) => foldRequest(total, folded, { x }, 0, source), emptyParts(total));
    expect(finish(total, parts, 0)).toBe(2n ** 62n + 1n);
  });

  it('counts only a row that satisfies where; unknown is no', () => {
    const where: Expression = { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'x' }, { kind: 'literal', type: { kind: 'int32' }, value: 3 }] };
    const many = feature('count', { kind: 'int32' }, { where });
    const parts = [4, 3, null, 9].reduce((folded, x) => foldRequest(many, folded, { x }, 0, source), emptyParts(many));
    expect(finish(many, parts, 0)).toBe(2);
  });
});

describe('an empty window', () => {
  it('is 0 for count and sum, null for the rest, unless a default is declared', () => {
    const values = (['count', 'sum', 'avg', 'min', 'max', 'last'] as const).map((fn) => {
      const plain = feature(fn, { kind: 'float64' });
      const declared = feature(fn, { kind: 'float64' }, { default: { kind: 'literal', type: { kind: 'float64' }, value: 7 } });
      return [finish(plain, emptyParts(plain), 0), finish(declared, emptyParts(declared), 0)];
    });
    expect(values).toEqual([[0, 7], [0, 7], [null, 7], [null, 7], [null, 7], [null, 7]]);
  });
});

describe('evaluate', () => {
  const unknown: Expression = { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: 'x' }, { kind: 'literal', type: { kind: 'int32' }, value: 1 }] };
  const known = (value: boolean): Expression => ({ kind: 'call', fn: 'eq', args: [{ kind: 'literal', type: { kind: 'bool' }, value: true }, { kind: 'literal', type: { kind: 'bool' }, value }] });
  const call = (fn: 'and' | 'or' | 'not', ...args: Expression[]): Expression => ({ kind: 'call', fn, args });

  it('follows three-valued logic', () => {
    expect(evaluate(call('and', unknown, known(false)), {}, source)).toBe(false);
    expect(evaluate(call('and', unknown, known(true)), {}, source)).toBeNull();
    expect(evaluate(call('or', unknown, known(true)), {}, source)).toBe(true);
    expect(evaluate(call('or', unknown, known(false)), {}, source)).toBeNull();
    expect(evaluate(call('not', unknown), {}, source)).toBeNull();
    expect(matches(unknown, {}, source)).toBe(false);
    expect(matches(null, {}, source)).toBe(true);
  });
});

describe('compareValues', () => {
  it('orders strings as their UTF-8 bytes do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(compareValues(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    expect(compareValues('\uFFFD', '\u{1F33E}')).toBeLessThan(0);
  });
});
