import { formatInstant, toJson, type FeatureValue, type Instant } from '@granary/contracts';
import type { Proof, ProveOptions, ProvenMismatch } from '@granary/jobs';
import type { Command } from 'commander';
import { currentSnapshot } from '../context.js';
import { INSTANT_HELP, readInstant, readShare, wholeNumber } from '../flags.js';
import { formatCount, plural } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { flag, verb, type Answer } from '../verb.js';
import { describeEvents, eventDocument, valueText } from './explain.js';

interface ProveFlags {
  readonly since?: Instant;
  readonly sample: number;
  readonly limit: number;
}

export function registerProve(program: Command): void {
  const command = program
    .command('prove')
    .argument('[service]', 'only what this feature service served (default: all)')
    .description('Compute what was served again from the stored events, by its own definitions and as of its own instant, and compare; ends with 1 when a value differs, or when rows were logged and none could be proven')
    .option('--since <instant>', `only what was served at or after: ${INSTANT_HELP}`, flag(readInstant))
    .option('--sample <share>', 'the share of the logged rows to look at, 0 to 1', flag(readShare), 1)
    .option('--limit <number>', 'mismatches to show with their events', flag(wholeNumber(0)), 10);
  verb<ProveFlags, [string | undefined]>(command, ['clickhouseUrl'], 'granary prove\ngranary prove fraud_features --since 2026-05-01 --sample 0.1', async (context, { since, sample, limit }, service) => {
    const registry = await context.registry();
    const head = await context.snapshot();
    const { findService, prove } = await import('@granary/jobs');
    const { progress, style } = context.voice;
    const proof = await prove(await context.offline(), (id) => currentSnapshot(registry, id), { service, since, sample, show: limit, signal: context.signal, onProgress: progress.report });
    // One that is no longer declared may have been logged all the same.
    if (service !== undefined && proof.rows === 0) findService(head, service);
    return proofAnswer(proof, { service, since, sample }, style);
  });
}

/** What was looked at. */
type Scope = Pick<ProveOptions, 'service' | 'since' | 'sample'>;

/** Rows of which none could be proven are no yes: a gate that passes then checks nothing. */
export function proofAnswer(proof: Proof, scope: Scope, style: Style): Answer {
  const { rows, matched, mismatched } = proof;
  return { json: { ...proof, mismatches: proof.mismatches.map(mismatchDocument) }, text: rows === 0 ? describeNothing(scope) : describeProof(proof, style), exitCode: mismatched > 0 || (rows > 0 && matched === 0) ? 1 : 0 };
}

function describeNothing({ service, since, sample = 1 }: Scope): string {
  const scope = [...(service === undefined ? [] : [`of ${service}`]), ...(since === undefined ? [] : [`since ${formatInstant(since)}`]), ...(sample >= 1 ? [] : [`in a sample of ${sample}`])];
  return `${['nothing was logged', ...scope].join(' ')}, so there is nothing to prove; granary up --log-sample 1 logs all that is served`;
}

function mismatchDocument({ explained, suspects, served, computed, servedAt, asOf, asked, ...rest }: ProvenMismatch): object {
  const answer = ({ value, state }: FeatureValue): object => ({ value: jsonOf(value), state });
  return {
    ...rest,
    servedAt: formatInstant(servedAt),
    asOf: formatInstant(asOf),
    asked,
    served: answer(served),
    computed: answer(computed),
    suspects: suspects?.map(({ event, says }) => ({ says, ...eventDocument(event) })) ?? null,
    inputs: explained.map(({ name, view, events }) => ({ feature: name, view: view.name, events: events.map(eventDocument) })),
  };
}

function jsonOf(value: FeatureValue['value']): unknown {
  return typeof value === 'bigint' ? toJson({ kind: 'int64' }, value) : value;
}

function describeProof({ rows, matched, mismatched, missing, values, mismatches, mismatchedValues, missingBecause }: Proof, style: Style): string {
  const proven = matched + mismatched > 0;
  const verdict = !proven ? style.bad('nothing was proven') : mismatched === 0 ? style.good('no mismatch') : style.bad(plural(mismatchedValues, 'value differs', 'values differ'));
  const lines = [`${plural(rows, 'served row')}: ${formatCount(matched)} matched, ${formatCount(mismatched)} mismatched, ${formatCount(missing)} missing; ${plural(values, 'value')} compared, ${verdict}`];
  for (const { reason, rows: count } of missingBecause) lines.push(style.dim(`missing ${formatCount(count)}: ${reason}`));
  if (!proven) lines.push(style.bad('no logged row can be computed again, for the reasons above. Prove from the home (--home) whose definitions served them; or materialise, serve with --log-sample 1, and prove what was logged since (--since).'));
  return [...lines, ...mismatches.map((mismatch) => describeMismatch(mismatch, style))].join('\n');
}

function describeMismatch({ service, asked, feature, served, computed, asOf, suspects, explained }: ProvenMismatch, style: Style): string {
  const keys = Object.entries(asked).map(([name, value]) => `${name}=${valueText(value)}`);
  const head = `\n${style.heading(`${service}.${feature}`)} ${keys.join(' ')} as of ${formatInstant(asOf)}: served ${answerText(served)}, the events come to ${answerText(computed)}`;
  if (suspects !== null && suspects.length > 0) {
    const gone = suspects.every(({ says }) => says === 'served with it') ? ['  or with an event that has been deleted or changed since'] : [];
    return [head, ...suspects.slice(0, 10).map(({ event, says }) => `  ${says}: event ${event.sentId} of ${formatInstant(event.time)}, sequence ${event.sequence}`), ...gone].join('\n');
  }
  const unexplained = suspects === null ? [] : ['  no stored event explains it: one may have been deleted or changed, or several make the difference'];
  return [head, ...unexplained, ...explained.map((input) => describeEvents(input, 10, style))].join('\n');
}

function answerText({ value, state }: FeatureValue): string {
  return state === 'present' ? valueText(value) : state;
}
