import { readFileSync, writeFileSync } from 'node:fs';
import type { BenchRow, Unit } from './report.js';

/** A piece of work, ours and the floor's: both do the same with the same data. */
export interface Pair {
  readonly ours: () => Promise<unknown>;
  readonly floor: () => Promise<unknown>;
}

export interface RunOptions {
  /** Stop after this many rounds. Default 7. */
  readonly rounds?: number;
  /** Start no further round after this long, ms; one is always run. Default 5,000. */
  readonly budgetMs?: number;
  readonly signal: AbortSignal;
  /** Runs each once, unmeasured, before the first round. Default true. */
  readonly warmUp?: boolean;
  /** Before every run of either, unmeasured. */
  readonly before?: () => Promise<unknown>;
}

/** Medians over the rounds, ms. */
export interface Durations {
  readonly ours: number;
  readonly floor: number;
  readonly rounds: number;
}

/** The middle value; of an even number, the mean of the two in the middle. Throws for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('there is no median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The smallest value that at least `share` of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('there is no percentile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** The share of the floor's speed that we reach: for a rate ours / floor, for a time floor / ours. */
export function speedRatio(unit: Unit, value: number, floor: number): number {
  return unit.endsWith('/s') ? value / floor : floor / value;
}

/** Runs ours, floor, ours, floor …, so that what else the machine does falls on both. Throws the signal's reason. */
export async function interleave({ ours, floor }: Pair, { rounds = 7, budgetMs = 5_000, warmUp = true, before, signal }: RunOptions): Promise<Durations> {
  const times: { ours: number[]; floor: number[] } = { ours: [], floor: [] };
  const sides = [
    [ours, times.ours],
    [floor, times.floor],
  ] as const;
  if (warmUp) {
    for (const [work] of sides) {
      signal.throwIfAborted();
      await before?.();
      await work();
    }
  }
  const started = performance.now();
  do {
    for (const [work, into] of sides) {
      signal.throwIfAborted();
      await before?.();
      const begun = performance.now();
      await work();
      into.push(performance.now() - begun);
    }
  } while (times.ours.length < rounds && performance.now() - started < budgetMs);
  return { ours: median(times.ours), floor: median(times.floor), rounds: times.ours.length };
}

export interface CallOptions {
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Calls of one side in one round. */
  readonly calls: number;
  /** Starts no further call of a side's round after this long, ms; one is always made. Default: no limit. */
  readonly roundMs?: number;
  readonly rounds: number;
  /** Whether a round before the first one warms up, and does not count. Default true. */
  readonly warmUp?: boolean;
  readonly signal: AbortSignal;
}

/** Percentiles over the calls of all rounds (µs), and the median of the rounds' rates (calls/s). */
export interface CallFigures {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly rate: number;
}

interface CallRound {
  /** µs of each call. */
  readonly latencies: readonly number[];
  readonly rate: number;
}

/** Many short calls, in interleaved rounds. */
export async function interleaveCalls({ ours, floor }: Pair, options: CallOptions): Promise<{ ours: CallFigures; floor: CallFigures }> {
  const rounds: { ours: CallRound[]; floor: CallRound[] } = { ours: [], floor: [] };
  for (let round = options.warmUp === false ? 1 : 0; round <= options.rounds; round++) {
    for (const [work, into] of [[ours, rounds.ours] as const, [floor, rounds.floor] as const]) {
      options.signal.throwIfAborted();
      const measured = await callRound(work, options);
      if (round > 0) into.push(measured);
    }
  }
  return { ours: figuresOf(rounds.ours), floor: figuresOf(rounds.floor) };
}

function figuresOf(rounds: readonly CallRound[]): CallFigures {
  const latencies = rounds.flatMap((round) => round.latencies);
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), p999: percentile(latencies, 0.999), rate: median(rounds.map(({ rate }) => rate)) };
}

async function callRound(work: () => Promise<unknown>, { concurrency, calls, roundMs = Infinity, signal }: CallOptions): Promise<CallRound> {
  const latencies: number[] = [];
  const started = performance.now();
  let left = calls;
  const worker = async (): Promise<void> => {
    let now = performance.now();
    while (left > 0 && (left === calls || now - started < roundMs) && !signal.aborted) {
      left--;
      const before = now;
      await work();
      now = performance.now();
      latencies.push((now - before) * 1_000);
    }
  };
  // Of all, also where one fails: what is still under way needs its stores.
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  signal.throwIfAborted();
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  const seconds = (performance.now() - started) / 1_000;
  return { latencies, rate: latencies.length / seconds };
}

/** The eight rows that a pair of calls gives: percentiles and rate, one at a time and 16 at once. What was warmed up for one at a time is warm for 16. */
export async function callRows(suite: string, name: string, pair: Pair, options: Omit<CallOptions, 'concurrency' | 'warmUp'> & { readonly scale: number }): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const concurrency of [1, 16]) {
    resetPeak();
    const { ours, floor } = await interleaveCalls(pair, { ...options, concurrency, warmUp: concurrency === 1 });
    const of = (metric: string, unit: Unit, value: number, least: number): BenchRow =>
      row({ suite, name: `${name}, c=${concurrency} ${metric}`, unit, value, floor: least, scale: options.scale });
    rows.push(of('p50', 'µs', ours.p50, floor.p50), of('p99', 'µs', ours.p99, floor.p99), of('p99.9', 'µs', ours.p999, floor.p999), of('rate', 'calls/s', ours.rate, floor.rate));
  }
  return rows;
}

/** Completes a row: the ratio, and unless it is given the most memory this process had since `resetPeak`. */
export function row(given: Omit<BenchRow, 'ratio' | 'peakRssMb'> & { readonly peakRssMb?: number }): BenchRow {
  return { ...given, ratio: speedRatio(given.unit, given.value, given.floor), peakRssMb: given.peakRssMb ?? peakRssMb() };
}

/** Linux keeps a high-water mark that can be set back to now; elsewhere it is that of the whole process. */
export function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not allowed: the peak of the whole process then, which is never too low.
  }
}

/** MiB; ours and the floor's together, as both ran in this process. */
export function peakRssMb(): number {
  const kib = process.platform === 'linux' ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) : process.resourceUsage().maxRSS;
  return Math.round(kib / 1024);
}
