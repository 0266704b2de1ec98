import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES, GranaryError } from '@granary/contracts';
import { EXIT, describeError, errorDocument, exitCodeOf } from './exit.js';
import { createStyle } from './terminal/style.js';

const plain = createStyle(false);

describe('exitCodeOf', () => {
  it('follows the kind of the error, and takes everything else for a bug', () => {
    expect(exitCodeOf(new GranaryError('REGISTRY_CONFLICT', 'x'))).toBe(1);
    expect(exitCodeOf(new GranaryError('ARTIFACT_CORRUPT', 'x'))).toBe(1);
    expect(exitCodeOf(new GranaryError('MODEL_NOT_TRAINED', 'x'))).toBe(1);
    expect(exitCodeOf(new GranaryError('INVALID_USAGE', 'x'))).toBe(2);
    expect(exitCodeOf(new GranaryError('FILE_NOT_FOUND', 'x'))).toBe(2);
    expect(exitCodeOf(new GranaryError('STORE_LOCKED', 'x'))).toBe(3);
    expect(exitCodeOf(new GranaryError('CANCELLED', 'x'))).toBe(130);
    expect(exitCodeOf(new TypeError('x'))).toBe(70);
    expect(exitCodeOf('x')).toBe(70);
  });

  it('gives every code that a user can meet one of the documented exit codes', () => {
    const promised: number[] = [EXIT.no, EXIT.input, EXIT.unavailable, EXIT.cancelled];
    for (const code of ERROR_CODES) expect(promised).toContain(exitCodeOf(new GranaryError(code, 'x')));
  });
});

describe('what an error looks like', () => {
  const error = new GranaryError('FILE_NOT_FOUND', 'a.csv does not exist', { todo: 'Check the path.', details: { file: 'a.csv' } });

  it('says what happened and what to do, without a stack', () => {
    expect(describeError(error, plain)).toBe('error a.csv does not exist (FILE_NOT_FOUND)\n→ Check the path.');
    expect(describeError(new GranaryError('CANCELLED', 'interrupted'), plain)).toBe('stopped interrupted (CANCELLED)');
  });

  it('shows the stack of a bug', () => {
    const bug = new TypeError('x is undefined');
    expect(describeError(bug, plain)).toContain(bug.stack!);
  });

  it('is one document for programs', () => {
    expect(errorDocument(error)).toEqual({ error: { code: 'FILE_NOT_FOUND', kind: 'setup', message: 'a.csv does not exist', todo: 'Check the path.', details: { file: 'a.csv' } } });
    expect(errorDocument(new Error('x'))).toMatchObject({ error: { code: 'BUG', kind: 'bug', message: 'x' } });
  });
});
