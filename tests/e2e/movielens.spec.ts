import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { granaryJson, startGranary, temporaryFolder, type Running } from './granary.js';

/** MovieLens latest-small, beside the checkout; its licence keeps it out of it. */
const DATA = fileURLToPath(new URL('../../../shared/data/movielens-latest-small', import.meta.url));
const isThere = existsSync(DATA);
if (!isThere) console.warn(`skipped: no MovieLens at ${DATA}`);

interface Quality {
  readonly source: string;
  readonly ndcg10: number;
  readonly hr10: number;
}
interface Item {
  readonly movieId: string;
  readonly score: number;
  readonly reason: { readonly source: string; readonly text: string };
}

(isThere ? describe : describe.skip)('MovieLens, from files to recommendations', () => {
  let home: { readonly path: string; readonly remove: () => Promise<void> };
  let up: Running | undefined;
  const at = (...args: string[]): string[] => [...args, '--home', home.path];

  beforeAll(async () => {
    home = await temporaryFolder();
    await granaryJson(at('apply', '--defs', 'feature-defs/movielens'));
  });
  afterAll(async () => {
    up?.child.kill('SIGTERM');
    await up?.ended;
    await home.remove();
  });

  it('takes in all ratings and movies, and nothing twice', async () => {
    interface Ingested {
      readonly reports: readonly { readonly source: string; readonly read: number; readonly inserted: number; readonly duplicates: number; readonly quarantined: number }[];
    }
    const counts = ({ reports }: Ingested): unknown[] => reports.map(({ source, read, inserted, duplicates, quarantined }) => [source, read, inserted, duplicates, quarantined]);
    const first = await granaryJson<Ingested>(at('ingest', '--data', DATA));
    expect(counts(first)).toEqual([
      ['movies', 9742, 9742, 0, 0],
      ['ratings', 100836, 100836, 0, 0],
    ]);
    const again = await granaryJson<Ingested>(at('ingest', '--data', DATA));
    expect(counts(again)).toEqual([
      ['movies', 9742, 0, 9742, 0],
      ['ratings', 100836, 0, 100836, 0],
    ]);
  }, 120_000);

  it('ranks the left-out movie at least as well as its best source', async () => {
    const { rows, users, protocol } = await granaryJson<{ rows: readonly Quality[]; users: number; protocol: string }>(at('evaluate', 'watch_next'));
    expect(users).toBe(610);
    expect(protocol).toContain('latest item of each user is left out');
    const ranked = rows.find((row) => row.source === 'ranked')!;
    const sources = rows.filter((row) => row.source !== 'ranked');
    expect(sources.map((row) => row.source)).toEqual(['trending', 'itemToItem', 'ease']);
    for (const source of sources) {
      expect(source.ndcg10).toBeGreaterThan(0);
      expect(ranked.ndcg10).toBeGreaterThanOrEqual(source.ndcg10);
      expect(ranked.hr10).toBeGreaterThanOrEqual(source.hr10);
    }
  }, 240_000);

  it('recommends movies that real viewers have not rated, with reasons', async () => {
    await granaryJson(at('materialise'));
    await granaryJson(at('train'));
    up = startGranary(at('up', '--port', '0', '--intake-port', '0', '--clickhouse-port', '0'));
    const url = (await up.saw(/GraphQL\s+(http\S+)/))[1]!;
    const clickhouse = (await up.saw(/ClickHouse\s+(http\S+)/))[1]!;
    const seen = async (user: number): Promise<Set<string>> => {
      const answer = await fetch(`${clickhouse}/?query=${encodeURIComponent(`SELECT movieId FROM granary.events_ratings WHERE userId = ${user} FORMAT TSV`)}`);
      return new Set((await answer.text()).trim().split('\n'));
    };
    for (const user of [1, 414, 610]) {
      const query = `{ watchNext(userId: ${user}, first: 10) { items { movieId score reason { source text } } degraded } moviePage(movieId: 1) { title { value } genres { value } } }`;
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
      const { data } = (await answer.json()) as { data: { watchNext: { items: Item[]; degraded: string[] }; moviePage: unknown } };
      const rated = await seen(user);
      expect(rated.size).toBeGreaterThan(20);
      expect(data.watchNext.degraded).toEqual([]);
      expect(data.watchNext.items).toHaveLength(10);
      expect(new Set(data.watchNext.items.map((item) => item.movieId)).size).toBe(10);
      for (const item of data.watchNext.items) {
        expect(rated.has(item.movieId)).toBe(false);
        expect(item.reason.text).toBeTruthy();
      }
      expect(data.moviePage).toEqual({ title: { value: 'Toy Story (1995)' }, genres: { value: ['Adventure', 'Animation', 'Children', 'Comedy', 'Fantasy'] } });
    }
  }, 240_000);
});
