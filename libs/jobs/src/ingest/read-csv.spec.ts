import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import { MAX_ROW_BYTES, textOf, type RawRow } from './raw-row.js';
import { readCsv } from './read-csv.js';
import { brief, field, readAll, readState, scratch } from './testing/fixtures.js';

const files = scratch();
afterAll(() => files.remove());
const AB = [field('a', 'string'), field('b', 'string')];

describe('CSV', () => {
  it('reads quotes, commas, line breaks and doubled quotes inside fields, in the order of the source', async () => {
    const file = files.write('quotes.csv', 'b,a\n"x,1","he said ""hi"""\n"two\nlines",plain\n"crlf\r\ninside",""\n5" disk,"""q"""\n');
    expect(brief(await readAll(readCsv, file, AB))).toEqual([
      [2, ['he said "hi"', 'x,1']],
      [3, ['plain', 'two\nlines']],
      [5, ['', 'crlf\r\ninside']],
      [7, ['"q"', '5" disk']],
    ]);
  });

  it('reads CRLF, LF and a mix of both, blank lines, a byte order mark and a last line without an end', async () => {
    const variants: [string, number][] = [
      ['a,b\r\n1,2\r\n3,4\r\n', 3],
      ['a,b\r\n1,2\n\n\r\n3,4', 5],
      ['\ufeffa,b\n1,2\r\n\r\n3,4\n', 4],
      ['\ufeff"a","b"\n1,2\n3,4', 3],
    ];
    for (const [i, [text, line]] of variants.entries()) {
      const rows = await readAll(readCsv, files.write(`ends${i}.csv`, text), AB);
      expect(brief(rows)).toEqual([[2, ['1', '2']], [line, ['3', '4']]]);
      expect(rows.map(textOf)).toEqual(['1,2', '3,4']);
    }
  });

  it('tells rows that are no rows, with their number and own text, and goes on after them', async () => {
    const file = files.write('faults.csv', 'a,b\n1,2\n3\n4,5,6\n"x" y,7\n8,9\n');
    expect(brief(await readAll(readCsv, file, AB))).toEqual([
      [2, ['1', '2']],
      [3, 'row: fewer columns than the header', '3'],
      [4, 'row: more columns than the header', '4,5,6'],
      [5, 'row: badly quoted', '"x" y,7'],
      [6, ['8', '9']],
    ]);
  });

  it('reads on from the first quote as it began, wherever in the file that stands', async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => (i === 45_000 ? '"quoted, ""here""",45000' : `plain ${i},${i}`));
    const read = await readAll(readCsv, files.write('late.csv', `a,b\r\n${rows.join('\r\n')}`), AB);
    expect(read).toHaveLength(60_000);
    expect(read.every((row, i) => row.kind === 'row' && row.line === i + 2 && row.values[1] === String(i) && textOf(row) === rows[i])).toBe(true);
    expect(read[45_000]).toMatchObject({ values: ['quoted, "here"', '45000'] });
    await expect(readAll(readCsv, files.write('wide.csv', `a,b\n1,${'x'.repeat(2 * MAX_ROW_BYTES)}`), AB)).rejects.toThrow('the row on line 2 or after is longer');
  });

  it('leaves columns alone that the source does not declare, and names them', async () => {
    const state = readState();
    const file = files.write('extra.csv', 'x,b,y,a\n1,2,3,4\n');
    expect(brief(await readAll(readCsv, file, AB, state))).toEqual([[2, ['4', '2']]]);
    expect([...state.ignored]).toEqual(['x', 'y']);
    expect(state.readBytes).toBe(16);
  });

  it('refuses a file without a declared column, naming what it found and what it wanted', async () => {
    const file = files.write('missing.csv', 'A;b\n1;2\n');
    await expect(readAll(readCsv, file, AB)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('columns a, b are missing; found "A;b"; wanted "a", "b"'),
    });
    await expect(readAll(readCsv, files.write('twice.csv', 'a,b,a\n1,2,3\n'), AB)).rejects.toThrow('column a stands in the header twice');
    await expect(readAll(readCsv, files.write('empty.csv', ''), AB)).rejects.toThrow('no header line');
    expect(await readAll(readCsv, files.write('header.csv', 'a,b\n'), AB)).toEqual([]);
  });

  it('refuses files of another kind by their first bytes', async () => {
    for (const [what, bytes] of [
      ['a Parquet file', Buffer.from('PAR1....')],
      ['ZIP', Buffer.from('PK\x03\x04....')],
      ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')],
    ] as const) {
      await expect(readAll(readCsv, files.write('foreign.csv', bytes), AB)).rejects.toThrow(what);
    }
    await expect(readAll(readCsv, files.dir, AB)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('refuses a quote that never closes, after the rows before it', async () => {
    const seen: RawRow[] = [];
    const read = async (text: string): Promise<void> => {
      seen.length = 0;
      for await (const rows of readCsv(files.write('open.csv', text), AB, readState())) seen.push(...rows);
    };
    await expect(read('a,b\n1,2\n"3,4\n5,6\n')).rejects.toThrow('a quote that opens on line 3 or after is never closed');
    expect(brief(seen)).toEqual([[2, ['1', '2']]]);
    await expect(read(`a,b\n1,2\n"${'3,4\n'.repeat(MAX_ROW_BYTES / 2)}`)).rejects.toThrow(/row on line 3 or after is longer/);
    expect(brief(seen)).toEqual([[2, ['1', '2']]]);
  });

  it('keeps characters whole across chunks, and tells rows that are not UTF-8 from those that hold U+FFFD', async () => {
    const line = '€𝄞ö,x\n';
    const many = 120_000;
    const good = await readAll(readCsv, files.write('chunks.csv', `a,b\n${line.repeat(many)}`), AB);
    expect(good).toHaveLength(many);
    expect(good.every((row) => row.kind === 'row' && row.values[0] === '€𝄞ö')).toBe(true);

    expect(brief(await readAll(readCsv, files.write('fffd.csv', 'a,b\n\ufffd,1\n'), AB))).toEqual([[2, ['\ufffd', '1']]]);
    const latin1 = Buffer.concat([Buffer.from('a,b\nok,1\n'), Buffer.from('caf\xe9,2\n', 'latin1'), Buffer.from('ok,3\n')]);
    const rows = await readAll(readCsv, files.write('latin1.csv', latin1), AB);
    expect(rows.map((row) => row.kind)).toEqual(['row', 'fault', 'row']);
  });

  it('reads gzip whatever the name says, and yields the rows before the place where it breaks off, never half a row', async () => {
    const text = `a,b\n${Array.from({ length: 50_000 }, (_, i) => `${(i * 2654435761) % 1e9},${i}`).join('\n')}\n`;
    const packed = gzipSync(text);
    for (const name of ['rows.csv.gz', 'rows.csv']) expect(await readAll(readCsv, files.write(name, packed), AB)).toHaveLength(50_000);
    await expect(readAll(readCsv, files.write('plain.csv.gz', 'a,b\n1,2\n'), AB)).rejects.toThrow('not gzip-compressed');

    const rows: RawRow[] = [];
    const cut = files.write('cut.csv.gz', packed.subarray(0, packed.length / 2));
    await expect((async () => {
      for await (const chunk of readCsv(cut, AB, readState())) rows.push(...chunk);
    })()).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('breaks off') });
    expect(rows.length).toBeGreaterThan(10_000);
    expect(rows.every((row, i) => row.kind === 'row' && row.values[0] === String((i * 2654435761) % 1e9) && row.values[1] === String(i))).toBe(true);
  });

  it('lets go of the file when its rows are no longer wanted', async () => {
    const file = files.write('long.csv', `a,b\n${'1,2\n'.repeat(500_000)}`);
    const state = readState();
    for await (const rows of readCsv(file, AB, state)) if (rows.length > 0) break;
    expect(state.readBytes).toBeLessThan(1_000_000);
  });
});
