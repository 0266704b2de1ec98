import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parseJson } from './json.js';
import { MAX_ROW_BYTES, textOf } from './raw-row.js';
import { readNdjson } from './read-ndjson.js';
import { brief, field, readAll, readState, scratch } from './testing/fixtures.js';

const files = scratch();
afterAll(() => files.remove());
const AB = [field('a', 'int64'), field('b', 'string', { nullable: true })];

describe('NDJSON', () => {
  it('keeps the digits of whole numbers beyond 2^53, and leaves all other numbers alone', () => {
    expect(parseJson('{"a":9223372036854775807,"b":[-9007199254740993, 1]}')).toEqual({ a: 9223372036854775807n, b: [-9007199254740993n, 1] });
    expect(parseJson('[9007199254740993]')).toEqual([9007199254740993n]);
    expect(parseJson('{"a": 0.12345678901234567,"b":12345678901234567.5,"c":12345678901234567e2,"d":"x: 12345678901234567"}')).toEqual({
      a: 0.12345678901234567,
      b: 12345678901234567.5,
      c: 12345678901234567e2,
      d: 'x: 12345678901234567',
    });
    expect(parseJson('{"a":1,"a":12345678901234567890,"b":0.5}')).toEqual({ a: 12345678901234567890n, b: 0.5 });
    expect(() => parseJson('{"a":12345678901234567890,}')).toThrow(SyntaxError);
  });

  it('reads a line at a time, in the order of the source; a blank line is no row', async () => {
    const state = readState();
    const file = files.write('rows.ndjson', '\ufeff{"b":"x","a":1}\r\n\n  \r\n{"a":"2","zz":0}\n{"a":3,"b":null}');
    const rows = await readAll(readNdjson, file, AB, state);
    expect(brief(rows)).toEqual([[1, [1, 'x']], [4, ['2', undefined]], [5, [3, null]]]);
    expect(textOf(rows[0]!)).toBe('{"b":"x","a":1}');
    expect([...state.ignored]).toEqual(['zz']);
    expect(await readAll(readNdjson, files.write('empty.ndjson', ''), AB)).toEqual([]);
  });

  it('tells lines that are no JSON object', async () => {
    const file = files.write('faults.ndjson', '{"a":1}\n{"a":\n[1]\n7\nnull\n{"a":2}\n{"a":3');
    expect(brief(await readAll(readNdjson, file, AB))).toEqual([
      [1, [1, undefined]],
      [2, 'row: not JSON', '{"a":'],
      [3, 'row: not a JSON object', '[1]'],
      [4, 'row: not a JSON object', '7'],
      [5, 'row: not a JSON object', 'null'],
      [6, [2, undefined]],
      [7, 'row: not JSON', '{"a":3'],
    ]);
  });

  it('tells a line that is nested too deep', async () => {
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    const file = files.write('deep.ndjson', `${deep}\n{"a":1}`);
    expect(brief(await readAll(readNdjson, file, AB))).toEqual([[1, 'row: nested deeper than 100 levels', deep], [2, [1, undefined]]]);
  });

  it('takes no value from an object that it does not hold itself', async () => {
    const file = files.write('proto.ndjson', '{"a":1}\n');
    expect(brief(await readAll(readNdjson, file, [field('constructor', 'string'), field('toString', 'string')]))).toEqual([[1, [undefined, undefined]]]);
  });

  it('skips a line that is too long, keeps its beginning, and reads on', async () => {
    for (const end of ['\n{"a":2}\n', '']) {
      const file = files.write('long.ndjson', `{"a":1}\n{"b":"${'x'.repeat(3 * MAX_ROW_BYTES)}"}${end}`);
      const rows = await readAll(readNdjson, file, AB);
      expect(rows.map((row) => [row.line, row.kind])).toEqual(end === '' ? [[1, 'row'], [2, 'fault']] : [[1, 'row'], [2, 'fault'], [3, 'row']]);
      expect(textOf(rows[1]!)).toMatch(/^\{"b":"x{1000,4100}$/);
    }
  });

  it('reads lines that lie across chunks, gzip, and tells lines that are not UTF-8', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ a: i, b: `𝄞${i}` }));
    for (const content of [lines.join('\n'), gzipSync(lines.join('\n'))]) {
      const rows = await readAll(readNdjson, files.write('many.ndjson', content), AB);
      expect(rows.every((row, i) => row.kind === 'row' && row.line === i + 1 && row.values[0] === i && row.values[1] === `𝄞${i}`)).toBe(true);
      expect(rows).toHaveLength(60_000);
    }
    const latin1 = Buffer.concat([Buffer.from('{"a":1,"b":"caf\xe9"}\n', 'latin1'), Buffer.from('{"a":2}\n')]);
    expect((await readAll(readNdjson, files.write('latin1.ndjson', latin1), AB)).map((row) => row.kind)).toEqual(['fault', 'row']);
  });
});
