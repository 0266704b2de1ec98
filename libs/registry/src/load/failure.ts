import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { frameSite } from '@granary/contracts';
import type { Problem } from '../problem.js';

/** What evaluating `file` threw, as a problem; `modules` are the user's files evaluated by then. */
export function loadProblem(error: unknown, file: string, modules: readonly string[]): Problem {
  const message = error instanceof Error || hasMessage(error) ? error.message : String(error);
  return parseFailure(message, file) ?? refusal(error, message, file, modules) ?? missingImport(message, file, modules) ?? thrown(error, message, file, modules);
}

// The transpiler's own words: `ParseError: Unexpected token, expected "," ⏎ /path/features.ts:3:53`.
function parseFailure(message: string, file: string): Problem | undefined {
  const match = /^(?:\w*Error: )*ParseError: ([\s\S]*?)\s*\n?\s*(\S[^\n]*):(\d+):\d+\s*$/.exec(message);
  if (!match) return undefined;
  const [, what = '', at = file, line = '0'] = match;
  return { severity: 'error', id: 'DEF-001', file: at, line: Number(line), owner: basename(at), message: `can't be parsed: ${what.trim()}`, todo: 'Correct the syntax.' };
}

// Not instanceof: the error may come from the user's own copy of the SDK.
function refusal(error: unknown, message: string, file: string, modules: readonly string[]): Problem | undefined {
  if (typeof error !== 'object' || error === null || (error as Error).name !== 'GranaryError') return undefined;
  const { details, todo } = error as { details?: Record<string, unknown>; todo?: string };
  const place = typeof details?.['file'] === 'string' ? { file: details['file'], line: Number(details['line']) } : placeInStack(error, file, modules);
  return { severity: 'error', id: 'DEF-004', ...place, ...split(message, place.file), todo: todo ?? 'Correct the declaration.' };
}

/** `feature view v: "x" is not a duration` → its owner and the rest. */
function split(message: string, file: string): { owner: string; message: string } {
  const match = /^((?:entity|source|feature view|derived view|feature service|recommender|scorer) \S+?):? (.+)$/s.exec(message);
  return match ? { owner: match[1]!, message: match[2]! } : { owner: basename(file), message };
}

function missingImport(message: string, file: string, modules: readonly string[]): Problem | undefined {
  const specifier = /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  if (specifier === undefined) return undefined;
  for (const module of [file, ...modules]) {
    const lines = readFileSync(module, 'utf8').split('\n');
    const index = lines.findIndex((line) => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`));
    if (index >= 0) return { severity: 'error', id: 'DEF-002', file: module, line: index + 1, ...importAdvice(module, specifier) };
  }
  return { severity: 'error', id: 'DEF-002', file, line: 1, ...importAdvice(file, specifier) };
}

function importAdvice(file: string, specifier: string): Pick<Problem, 'owner' | 'message' | 'todo'> {
  const todo = /^[./]/.test(specifier) ? 'Correct the path, or write that file.' : `Install ${specifier}, or leave the import out.`;
  return { owner: basename(file), message: `can't find ${specifier}`, todo };
}

function thrown(error: unknown, message: string, file: string, modules: readonly string[]): Problem {
  const place = placeInStack(error, file, modules);
  return { severity: 'error', id: 'DEF-003', ...place, owner: basename(place.file), message: `fails when it is loaded: ${message}`, todo: 'Correct that line.' };
}

function placeInStack(error: unknown, file: string, modules: readonly string[]): { file: string; line: number } {
  const known = new Set([file, ...modules]);
  const stack = typeof error === 'object' && error !== null ? String((error as Error).stack) : '';
  for (const frame of stack.split('\n')) {
    const site = frameSite(frame);
    if (site !== undefined && known.has(site.file)) return site;
  }
  return { file, line: 1 };
}

function hasMessage(error: unknown): error is { message: string } {
  return typeof error === 'object' && error !== null && typeof (error as { message?: unknown }).message === 'string';
}
