import { createInteractions, type Interactions } from '../interactions.js';
import { createRandom } from '../random.js';
import type { FeatureSource } from './ranking-features.js';

export interface RawEvent {
  readonly user: number;
  readonly item: number;
  readonly weight: number;
  readonly time: number;
}

export function interactionsOf(events: readonly RawEvent[]): Interactions {
  return createInteractions({
    users: events.map(({ user }) => user),
    items: events.map(({ item }) => item),
    weights: events.map(({ weight }) => weight),
    times: events.map(({ time }) => time),
  });
}

/** People of two tastes (even and odd items), items of unequal popularity, items met again, events at the same instant. */
export function randomEvents(seed: number, { users, items, events, span = 10_000 }: { readonly users: number; readonly items: number; readonly events: number; readonly span?: number }): RawEvent[] {
  const random = createRandom(seed);
  return Array.from({ length: events }, () => {
    const user = random.integer(users);
    const skewed = Math.floor((items / 2) * random.uniform() ** 1.5);
    const item = 2 * skewed + (random.uniform() < 0.9 ? user % 2 : (user + 1) % 2);
    return { user, item, weight: random.integer(4), time: random.integer(span) };
  });
}

/** Whether user and item have the same taste, sometimes missing, and some noise. */
export function tasteFeatures(interactions: Interactions): FeatureSource {
  const { users, items } = interactions;
  return (questions) => {
    const rows = questions.times.length;
    const [values, mask] = [new Float32Array(rows * 2), new Uint8Array(rows * 2).fill(1)];
    for (let row = 0; row < rows; row++) {
      const [user, item] = [users.keys[questions.users[row]!] as number, items.keys[questions.items[row]!] as number];
      values[row * 2] = user % 2 === item % 2 ? 1 : 0;
      values[row * 2 + 1] = ((item * 7919 + user) % 101) / 101;
      if ((item + user) % 9 === 0) mask[row * 2] = 0;
    }
    return Promise.resolve({ names: ['sameTaste', 'noise'], values, mask });
  };
}
