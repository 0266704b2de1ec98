import type { Scalar } from '@granary/contracts';
import { compareValues } from './compare.js';
import { list, type CountedEvent, type Fold, type Parts } from './fold-of.js';

/** An aggregate whose only part is its value. */
function ownValue(add: (before: Parts[number], event: CountedEvent) => Parts[number]): Fold {
  return {
    add: (_feature, [before], event) => [add(before ?? null, event)],
    finish: (_feature, parts) => parts[0] ?? null,
  };
}

const lastN: Fold = {
  add: ({ aggregate }, [newest], { value }) => [[value as Scalar, ...list<Scalar>(newest)].slice(0, aggregate.n)],
  finish: (_feature, [newest]) => (list(newest).length === 0 ? null : newest!),
};

const timeSinceLast: Fold = {
  add: (_feature, _parts, { at }) => [at],
  finish: (_feature, parts, at) => (parts[0] == null ? null : at - (parts[0] as number)),
};

export const orderFolds = {
  latest: ownValue(() => {
    throw new Error('latest has no window to include a request in');
  }),
  min: ownValue((before, { value }) => (before === null || compareValues(value!, before) < 0 ? value : before)),
  max: ownValue((before, { value }) => (before === null || compareValues(value!, before) > 0 ? value : before)),
  first: ownValue((before, { value }) => before ?? value),
  last: ownValue((_before, { value }) => value),
  lastN,
  timeSinceLast,
} as const;
